// Spends half of its time under a label of pprof.Do, a fifth under its goroutine's own labels, while it profiles itself.
package main

import (
	"context"
	"os"
	"runtime/pprof"
	"syscall"
	"time"
)

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func work(d time.Duration) (sum int) {
	for end := cpu() + d; cpu() < end; {
		for i := 0; i < 100000; i++ {
			sum += i * i % 7
		}
	}
	return sum
}

func main() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	pprof.StartCPUProfile(file)
	defer pprof.StopCPUProfile()
	background := context.Background()
	for i := 0; i < 10; i++ {
		pprof.Do(background, pprof.Labels("req", "fib"), func(context.Context) { work(100 * time.Millisecond) })
		work(60 * time.Millisecond)
		pprof.SetGoroutineLabels(pprof.WithLabels(background, pprof.Labels("req", "sum", "job", "7")))
		work(40 * time.Millisecond)
		pprof.SetGoroutineLabels(background)
	}
}
