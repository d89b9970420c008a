// Many goroutines that all compute, until the process has used the given seconds of CPU time.
package main

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var done int32

func compute() (sum int) {
	for atomic.LoadInt32(&done) == 0 {
		for i := 0; i < 100000; i++ {
			sum += i * i % 7
		}
	}
	return sum
}

func main() {
	goroutines, _ := strconv.Atoi(os.Args[1])
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func() {
			compute()
			all.Done()
		}()
	}
	for cpu().Seconds() < seconds {
		time.Sleep(10 * time.Millisecond)
	}
	atomic.StoreInt32(&done, 1)
	all.Wait()
}
