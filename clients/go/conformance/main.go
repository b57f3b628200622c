// Command conformance is the driver for ../../conformance: SCENARIO DIALECT OUTPUTS.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"hmserve-client/hmserve"
)

func blackBox(t hmserve.Trial, outputs []string, epochs float64) (answer []float64) {
	if t.Text("c") == "fails" {
		return nil
	}
	x := t.Real("x")
	value := x * x
	for _, name := range []string{"n", "m"} {
		if t.Active(name) {
			value += t.Real(name)
		}
	}
	if t.Active("epochs") {
		value += 1 / epochs
	}
	for place, k := range t.Permutation("p") {
		value += float64((place + 1) * k)
	}
	valid := 1.0
	if t.Text("c") == "infeasible" {
		valid = 0
	}
	values := map[string]float64{"Value": value, "Cost": 1 - x, "Valid": valid, "epochs": epochs}
	for _, name := range outputs {
		answer = append(answer, values[name])
	}
	return answer
}

func tell(client *hmserve.Client, trial *hmserve.Trial, outputs []string, askTell bool) {
	c, epochs := trial.Text("c"), trial.Real("epochs")
	if askTell && c == "lost" {
		must(client.Drop(*trial))
		return
	}
	if askTell && outputs[len(outputs)-1] == "epochs" && epochs > 1 {
		goOn, err := client.Report(*trial, 1, blackBox(*trial, outputs, 1)[0])
		must(err)
		if !goOn {
			epochs = 1
		}
	}
	err := client.Tell(*trial, blackBox(*trial, outputs, epochs))
	var refused *hmserve.Refused
	if errors.As(err, &refused) {
		fmt.Println("refused", refused.Reason)
	} else {
		must(err)
	}
	if c == "stops" {
		must(client.Stop())
		status, err := client.Status()
		must(err)
		fmt.Println("status", status)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal("conformance: ", err)
	}
}

func converse(client *hmserve.Client, outputs []string, askTell bool) {
	var held *hmserve.Trial
	for {
		trials, err := client.Ask(2)
		if err == io.EOF {
			return
		}
		must(err)
		for k := range trials {
			if held != nil {
				tell(client, held, outputs, askTell)
			}
			held = &trials[k]
		}
		if held != nil && (len(trials) == 0 || !askTell) {
			tell(client, held, outputs, askTell)
			held = nil
		}
	}
}

func main() {
	outputs, askTell := strings.Split(os.Args[3], ","), os.Args[2] == "ask-tell"
	client, err := hmserve.Start(os.Args[1], outputs, &hmserve.Options{AskTell: askTell})
	must(err)
	converse(client, outputs, askTell)
	best, err := client.Best()
	must(err)
	for _, trial := range best {
		for k, name := range trial.Names {
			fmt.Printf("best %s=%s\n", name, trial.Values[k])
		}
	}
	must(client.Close())
	fmt.Println("end")
}
