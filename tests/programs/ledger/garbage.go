// Much for the collector to do, on threads of the runtime's own; prints what the process' clocks say: the functions, then all.
package main

import (
	"fmt"
	"syscall"
)

type node struct{ left, right *node }

func used() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func main() {
	began := used()
	kept := tree(16)
	for used() < began+1.5 {
		tree(14)
	}
	if kept.left == nil {
		fmt.Println("nothing")
	}
	fmt.Println(used()-began, used())
}
