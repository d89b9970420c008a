// Functions of every kind, each with its part of the work.
package main

import (
	"fmt"
	"syscall"
	"time"
)

type number interface{ ~int | ~float64 }

type worker struct{ sum int }

type byValue struct{ sum int }

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

//go:noinline
func plain(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * i % 7
	}
	return sum
}

//go:noinline
func (w *worker) method(n int) {
	for i := 0; i < n; i++ {
		w.sum += i * i % 7
	}
}

//go:noinline
func (b byValue) method(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * i % 7
	}
	return sum + b.sum
}

//go:noinline
func generic[T number](n T) (sum T) {
	for i := T(0); i < n; i++ {
		sum += i * i
	}
	return sum
}

// inlined is small enough to disappear into its caller.
func inlined(i int) int { return i * i % 7 }

//go:noinline
func callsInlined(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += inlined(i)
	}
	return sum
}

func main() {
	const n = 200000
	closure := func() (sum int) {
		for i := 0; i < n; i++ {
			sum += i * i % 7
		}
		return sum
	}
	parts := []struct {
		name string
		run  func()
		took time.Duration
	}{
		{"main.plain", func() { plain(n) }, 0},
		{"main.(*worker).method", func() { new(worker).method(2 * n) }, 0},
		{"main.byValue.method", func() { byValue{}.method(n) }, 0},
		{"main.generic[...]", func() { generic(3 * n) }, 0},
		{"main.callsInlined", func() { callsInlined(n) }, 0},
		{"main.main.func1", func() { closure() }, 0},
	}
	for begin := cpu(); cpu()-begin < 1500*time.Millisecond; {
		for i := range parts {
			before := cpu()
			parts[i].run()
			parts[i].took += cpu() - before
		}
	}
	for _, part := range parts {
		fmt.Println(part.name, part.took.Seconds())
	}
}
