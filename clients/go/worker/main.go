// Command worker is for hmserve run skiplist.json -- ./worker
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"hmserve-client/skiplist"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	var count, levels int
	var promote float64
	for n, _ := fmt.Fscanf(in, "Request %d\n", &count); n == 1; n, _ = fmt.Fscanf(in, "Request %d\n", &count) {
		names, _ := in.ReadString('\n') // promote,levels,finger
		reply := strings.TrimSpace(names) + ",Comparisons,Pointers\n"
		for ; count > 0; count-- {
			row, _ := in.ReadString('\n')
			row = strings.TrimSpace(row)
			fmt.Sscanf(row, "%g,%d", &promote, &levels)
			comparisons, pointers := skiplist.Measure(promote, levels, strings.HasSuffix(row, ",yes"))
			reply += fmt.Sprintf("%s,%g,%g\n", row, comparisons, pointers)
		}
		fmt.Print(reply)
	}
}
