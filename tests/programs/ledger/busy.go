// Two goroutines of some CPU time each; prints what the process' clock says: the functions, then the process.
package main

import (
	"fmt"
	"sync"
	"syscall"
)

func used() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func work(until float64) (sum int) {
	for used() < until {
		for i := 0; i < 1_000_000; i++ {
			sum += i ^ (sum << 1)
		}
	}
	return sum
}

func main() {
	began := used()
	var all sync.WaitGroup
	for i := 0; i < 2; i++ {
		all.Add(1)
		go func() { defer all.Done(); work(began + 2) }()
	}
	all.Wait()
	fmt.Println(used()-began, used())
}
