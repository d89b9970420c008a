// Half a second of CPU time in carve.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

//go:noinline
func carve(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * sum
	}
	return sum + 1
}

func main() {
	sum := 0
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); {
		sum += carve(100000)
	}
	fmt.Println(strings.TrimSpace("go " + strings.Join(os.Args[1:], " ")))
	if sum == 1 {
		os.Exit(1)
	}
}
