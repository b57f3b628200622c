// Package hmserve is a client of hmserve: Go 1.18 or later, the standard library only.
//
//	client, err := hmserve.Start("app.json", []string{"Seconds", "Valid"}, nil)
//	...
//	defer client.Close()
//	best, err := client.Minimise(func(t hmserve.Trial) []float64 {
//		return []float64{measure(t.Int("tile")), 1}
//	})
package hmserve

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// Refused is the error of a row that hmserve did not take (ask-tell); nothing has changed, the run goes on.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }

// Options say how hmserve is started.
type Options struct {
	Program   string   // its path; else the environment variable HMSERVE, else "hmserve"
	AskTell   bool     // results come one by one, in any order
	Arguments []string // more of them, such as "--resume"
}

// messages are what hmserve wrote on standard error, as far as they were not taken.
type messages struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (m *messages) Write(text []byte) (int, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.text.Write(text)
}

func (m *messages) take() string {
	m.lock.Lock()
	defer m.lock.Unlock()
	defer m.text.Reset()
	return m.text.String()
}

// Client is hmserve as a child process. Goroutines may share it: each method is one message and its answer.
type Client struct {
	outputs []string
	askTell bool
	child   *exec.Cmd
	to      io.WriteCloser
	from    *bufio.Reader
	said    messages
	lock    sync.Mutex
	begun   bool
	open    int
	best    []Trial
	ended   bool
	left    bool
	status  error
}

// Start starts hmserve. The outputs are the columns you answer: objectives, measured constraints, feasibility; and
// the fidelity if you tell how far an evaluation went.
func Start(scenario string, outputs []string, options *Options) (*Client, error) {
	if options == nil {
		options = &Options{}
	}
	program := options.Program
	if program == "" {
		program = os.Getenv("HMSERVE")
	}
	if program == "" {
		program = "hmserve"
	}
	arguments := append([]string{"--config", scenario}, options.Arguments...)
	if options.AskTell {
		arguments = append(arguments, "--protocol", "ask-tell")
	}
	c := &Client{outputs: append([]string(nil), outputs...), askTell: options.AskTell}
	c.child = exec.Command(program, arguments...)
	c.child.Stderr = &c.said
	to, err := c.child.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := c.child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.child.Start(); err != nil {
		return nil, fmt.Errorf("cannot start hmserve: %w", err)
	}
	c.to, c.from = to, bufio.NewReader(from)
	return c, nil
}

// Ask returns trials, or io.EOF when the run is over. Classic: all of the next request, when all of the last one
// are told. Ask-tell: at most count, and none until one that is out is told.
func (c *Client) Ask(count int) ([]Trial, error) {
	defer c.locked()()
	if c.ended {
		return nil, io.EOF
	}
	if c.askTell {
		if err := c.write(fmt.Sprintf("Ask %d\n", count)); err != nil {
			return nil, err
		}
	} else if c.open > 0 {
		return nil, fmt.Errorf("%d trials of the last request have no result yet", c.open)
	}
	c.begun = false
	for {
		line, err := c.read()
		if err != nil {
			return nil, err
		}
		if rows, ok := counted(line, "Request "); ok {
			c.open = rows
			c.passOn()
			return c.rows(rows)
		}
		if line == "End of HyperMapper" {
			return nil, c.over()
		}
		if _, ok := counted(line, "Wait "); ok && c.askTell {
			return nil, nil
		}
		if known, err := c.aside(line); err != nil || !known {
			if err == nil {
				err = c.garbage("a request", line)
			}
			return nil, err
		}
	}
}

// Tell tells what came of a trial: a value for each output (feasibility: 0 or 1), or nil if it failed, as NaN for
// an objective says too. The error is a *Refused if hmserve does not take it (ask-tell).
func (c *Client) Tell(trial Trial, values []float64) error {
	defer c.locked()()
	if values != nil && len(values) != len(c.outputs) {
		return errors.New("expected a value for each output")
	}
	var names, row []string
	for k, name := range trial.Names {
		if !strings.Contains(","+strings.Join(c.outputs, ",")+",", ","+name+",") {
			names, row = append(names, name), append(row, trial.Values[k])
		}
	}
	for k, name := range c.outputs {
		names, row = append(names, name), append(row, "")
		if values != nil {
			row[len(row)-1] = number(values[k])
		}
	}
	header := strings.Join(names, ",") + "\n"
	if c.askTell {
		return c.confirm("Tell 1\n" + header + strings.Join(row, ",") + "\n")
	}
	if c.begun {
		header = ""
	}
	c.begun = true
	c.open--
	return c.write(header + strings.Join(row, ",") + "\n")
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

// Drop gives back a trial that was never evaluated (ask-tell).
func (c *Client) Drop(trial Trial) error {
	defer c.locked()()
	return c.confirm("Drop 1\ntrial\n" + trial.Text("trial") + "\n")
}

// Report says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
func (c *Client) Report(trial Trial, fidelity, objective float64) (bool, error) {
	defer c.locked()()
	answer, err := c.say("Report " + trial.Text("trial") + "," + number(fidelity) + "," + number(objective) + "\n")
	if err == nil && answer != "Continue" && answer != "Stop" {
		err = c.garbage("Continue or Stop", answer)
	}
	return answer == "Continue", err
}

// Status says how the run stands (ask-tell), as JSON.
func (c *Client) Status() (string, error) {
	defer c.locked()()
	answer, err := c.say("Status\n")
	if err == nil && !strings.HasPrefix(answer, "Status ") {
		err = c.garbage("Status", answer)
	}
	return strings.TrimPrefix(answer, "Status "), err
}

// Stop has no more trials handed out (ask-tell).
func (c *Client) Stop() error {
	defer c.locked()()
	return c.confirm("Stop\n")
}

// Best returns the best trials with their outputs. Classic: at the end, with "print_best": true.
func (c *Client) Best() ([]Trial, error) {
	defer c.locked()()
	if !c.askTell {
		return c.best, nil
	}
	line, err := c.say("Best\n")
	if err != nil {
		return nil, err
	}
	if rows, ok := counted(line, "Best "); ok {
		return c.rows(rows)
	}
	return nil, c.garbage("Best", line)
}

// Minimise evaluates until the run is over, and returns the best trials.
func (c *Client) Minimise(function func(Trial) []float64) ([]Trial, error) {
	for {
		trials, err := c.Ask(1)
		if err == io.EOF {
			return c.Best()
		}
		for k := 0; err == nil && k < len(trials); k++ {
			err = c.Tell(trials[k], function(trials[k]))
		}
		if err != nil {
			return nil, err
		}
	}
}

// Close ends the conversation; an error if the exit status of hmserve is not 0.
func (c *Client) Close() error {
	defer c.locked()()
	if c.left {
		return nil
	}
	defer c.passOn()
	if c.leave() != nil {
		return c.death()
	}
	return nil
}

func (c *Client) locked() func() {
	c.lock.Lock()
	return c.lock.Unlock
}

// passOn shows what hmserve wrote on standard error; at its death that is in the error.
func (c *Client) passOn() { fmt.Fprint(os.Stderr, c.said.take()) }

func (c *Client) over() error {
	c.ended = true
	if !c.askTell && c.leave() != nil {
		return c.death()
	}
	c.passOn()
	return io.EOF
}

func (c *Client) rows(count int) ([]Trial, error) {
	header, err := c.read()
	if err != nil {
		return nil, err
	}
	trials := []Trial{}
	for len(trials) < count {
		row, err := c.read()
		if err != nil {
			return nil, err
		}
		trial := Trial{strings.Split(header, ","), cut(row)}
		if len(trial.Names) != len(trial.Values) {
			return nil, c.garbage(fmt.Sprint(len(trial.Names), " values"), row)
		}
		trials = append(trials, trial)
	}
	return trials, nil
}

// aside reads a block before the end; it returns whether the line begins one.
func (c *Client) aside(line string) (bool, error) {
	if c.askTell {
		return false, nil
	}
	switch line {
	case "Best point found:", "Minimum of the posterior mean:":
		rows, err := c.rows(1)
		if line[0] == 'B' {
			c.best = rows
		}
		return true, err
	case "", "Multiple objectives, there is no single best point.":
		return true, nil
	}
	return false, nil
}

func (c *Client) say(message string) (string, error) {
	if err := c.write(message); err != nil {
		return "", err
	}
	answer, err := c.read()
	if err == nil && strings.HasPrefix(answer, "Error ") {
		err = fmt.Errorf("hmserve refused the message: %s", answer)
	}
	return answer, err
}

func (c *Client) confirm(message string) error {
	answer, err := c.say(message)
	if err != nil {
		return err
	}
	var taken, refused int
	if n, _ := fmt.Sscanf(answer, "Ok %d %d", &taken, &refused); n != 2 {
		return c.garbage("Ok", answer)
	}
	if refused == 0 {
		return nil
	}
	line, err := c.read()
	if err != nil {
		return err
	}
	return &Refused{strings.TrimPrefix(line, "Error 1 ")}
}

func (c *Client) write(text string) error {
	if _, err := io.WriteString(c.to, text); err != nil {
		return c.death()
	}
	return nil
}

func (c *Client) read() (string, error) {
	line, err := c.from.ReadString('\n')
	if err != nil {
		return "", c.death()
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (c *Client) garbage(expected, line string) error {
	_ = c.child.Process.Kill()
	_ = c.leave()
	return fmt.Errorf("expected %s from hmserve, came %.200q", expected, line)
}

func (c *Client) death() error {
	_ = c.leave()
	return fmt.Errorf("hmserve ended with %v: %s", c.child.ProcessState, strings.TrimSpace(c.said.take()))
}

// leave closes the pipe, waits, and returns how hmserve ended.
func (c *Client) leave() error {
	if !c.left {
		c.left = true
		_ = c.to.Close()
		c.status = c.child.Wait()
	}
	return c.status
}

func counted(line, word string) (int, bool) {
	count, err := strconv.Atoi(strings.TrimPrefix(line, word))
	return count, err == nil && count >= 0 && strings.HasPrefix(line, word)
}
