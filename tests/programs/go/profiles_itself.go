// Takes a CPU profile of itself, twice, and works before, during, between and after.
package main

import (
	"fmt"
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

//go:noinline
func before() { work(100 * time.Millisecond) }

//go:noinline
func during() { work(500 * time.Millisecond) }

//go:noinline
func after() { work(100 * time.Millisecond) }

func main() {
	before()
	for _, name := range os.Args[1:] {
		file, err := os.Create(name)
		if err != nil {
			panic(err)
		}
		fmt.Println("start:", pprof.StartCPUProfile(file))
		fmt.Println("again:", pprof.StartCPUProfile(file))
		during()
		pprof.StopCPUProfile()
		pprof.StopCPUProfile()
		file.Close()
		after()
	}
}
