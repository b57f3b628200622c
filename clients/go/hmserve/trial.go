package hmserve

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Trial is one configuration: values by name. The fidelity, if the scenario has one, is a value too.
type Trial struct {
	Names, Values []string // as hmserve wrote them; what is inactive is empty
}

// Text returns a value, or "" for an inactive parameter and a name that there is not.
func (t Trial) Text(name string) string {
	for k, each := range t.Names {
		if each == name {
			return t.Values[k]
		}
	}
	return ""
}

// Active says whether there is such a value and its condition is met.
func (t Trial) Active(name string) bool { return t.Text(name) != "" }

// Real returns a number, or NaN where there is none.
func (t Trial) Real(name string) float64 {
	if value, err := strconv.ParseFloat(t.Text(name), 64); err == nil {
		return value
	}
	return math.NaN()
}

// Int returns an integer, or 0 where there is none.
func (t Trial) Int(name string) int {
	value, _ := strconv.Atoi(t.Text(name))
	return value
}

var (
	digits      = regexp.MustCompile(`\d+`)
	permutation = regexp.MustCompile(`^\([\d, ]*\)`)
)

// Permutation returns the places of a permutation.
func (t Trial) Permutation(name string) (order []int) {
	for _, text := range digits.FindAllString(t.Text(name), -1) {
		place, _ := strconv.Atoi(text)
		order = append(order, place)
	}
	return order
}

// cut parts a line at its commas, but not at those of a permutation.
func cut(line string) (cells []string) {
	for {
		inside := len(permutation.FindString(line))
		comma := strings.IndexByte(line[inside:], ',')
		if comma < 0 {
			return append(cells, line)
		}
		cells = append(cells, line[:inside+comma])
		line = line[inside+comma+1:]
	}
}
