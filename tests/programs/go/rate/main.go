// Sets the rate of its own CPU profile, as the documentation of package runtime has it: before the profile begins.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

//go:noinline
func spin(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * i % 7
	}
	return sum
}

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func work(d time.Duration) (sum int) {
	for end := cpu() + d; cpu() < end; {
		sum += spin(100_000)
	}
	return sum
}

func main() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	runtime.SetCPUProfileRate(250)
	fmt.Println("start:", pprof.StartCPUProfile(file))
	work(400 * time.Millisecond)
	pprof.StopCPUProfile()
	runtime.SetCPUProfileRate(250)
	runtime.SetCPUProfileRate(500)
	runtime.SetCPUProfileRate(0)
	work(400 * time.Millisecond)
}
