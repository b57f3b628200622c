// Command example looks for the settings of a skip list that take the fewest comparisons with few pointers. Four
// goroutines share one ask-tell conversation.
package main

import (
	"fmt"
	"io"
	"log"
	"sync"
	"time"

	"hmserve-client/hmserve"
	"hmserve-client/skiplist"
)

func work(client *hmserve.Client) {
	for {
		trials, err := client.Ask(1)
		if err == io.EOF {
			return
		}
		if err == nil && len(trials) == 0 { // another one has to tell first
			time.Sleep(time.Millisecond)
			continue
		}
		if err == nil {
			comparisons, pointers := skiplist.Measure(
				trials[0].Real("promote"), trials[0].Int("levels"), trials[0].Text("finger") == "yes")
			err = client.Tell(trials[0], []float64{comparisons, pointers})
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	options := &hmserve.Options{AskTell: true}
	client, err := hmserve.Start("skiplist.json", []string{"Comparisons", "Pointers"}, options)
	if err != nil {
		log.Fatal(err)
	}
	var workers sync.WaitGroup
	for k := 0; k < 4; k++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			work(client)
		}()
	}
	workers.Wait()
	best, err := client.Best()
	if err != nil {
		log.Fatal(err)
	}
	for _, trial := range best {
		fmt.Println(trial.Names)
		fmt.Println(trial.Values)
	}
	if err := client.Close(); err != nil {
		log.Fatal(err)
	}
}
