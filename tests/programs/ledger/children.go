// Half a second here, and children too short for a sampler; prints what the process' clocks say: the functions, then all.
package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

func used(who int) float64 {
	var usage syscall.Rusage
	syscall.Getrusage(who, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func work(seconds float64) (sum int) {
	for until := used(syscall.RUSAGE_SELF) + seconds; used(syscall.RUSAGE_SELF) < until; {
		for i := 0; i < 1_000_000; i++ {
			sum += i ^ (sum << 1)
		}
	}
	return sum
}

func main() {
	for i := 0; i < 6; i++ {
		exec.Command("sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done").Run()
	}
	work(1)
	fmt.Println(1.0, used(syscall.RUSAGE_SELF)+used(syscall.RUSAGE_CHILDREN))
}
