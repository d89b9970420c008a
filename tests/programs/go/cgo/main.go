// Uses CPU time in Go, in C called from Go, and in a thread that C made; prints how much. With an argument, while it takes a
// CPU profile of itself, which goes into that file.
package main

/*
#include <math.h>
#include <pthread.h>
#cgo LDFLAGS: -lm -lpthread
static double burn(int n) { double s = 0; for (int i = 0; i < n; i++) s += sin(i); return s; }
static void *run(void *n) { volatile double x = burn(*(int *)n); (void)x; return 0; }
static void in_thread(int n) { pthread_t t; pthread_create(&t, 0, run, &n); pthread_join(t, 0); }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/pprof"
	"syscall"
)

func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// For half a second of CPU time each.
func spend(work func()) float64 {
	begin := cpu()
	for cpu() < begin+0.5 {
		work()
	}
	return cpu() - begin
}

//go:noinline
func spin() (sum int) {
	for i := 0; i < 1_000_000; i++ {
		sum += i * i % 7
	}
	return sum
}

func main() {
	if len(os.Args) > 1 {
		file, err := os.Create(os.Args[1])
		if err != nil {
			panic(err)
		}
		pprof.StartCPUProfile(file)
		defer pprof.StopCPUProfile()
	}
	fmt.Println("Go", spend(func() { spin() }))
	fmt.Println("C", spend(func() { C.burn(100_000) }))
	fmt.Println("thread of C", spend(func() { C.in_thread(10_000_000) }))
}
