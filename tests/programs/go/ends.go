// Works for the given milliseconds of CPU time, then ends in the given way.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
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
	milliseconds, _ := strconv.Atoi(os.Args[1])
	work(time.Duration(milliseconds) * time.Millisecond)
	fmt.Println("worked")
	switch how := os.Args[2]; how {
	case "return":
	case "exit":
		os.Exit(3)
	case "panic":
		panic("as asked")
	case "deadlock":
		<-make(chan int)
	case "wait":
		time.Sleep(time.Hour)
	case "handle":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("got", <-signals)
		os.Exit(4)
	case "timer":
		// Nothing but a timer wakes it again, far apart: no deadlock.
		for range [3]int{} {
			<-time.After(700 * time.Millisecond)
			work(50 * time.Millisecond)
		}
	case "exec":
		// The successor must not be killed by a timer it inherits.
		err := syscall.Exec("/bin/sh", []string{"sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 5"}, os.Environ())
		fmt.Println(err)
	case "child":
		// The same executable again.
		command := exec.Command(os.Args[0], os.Args[1], "return")
		command.Stdout = os.Stdout
		fmt.Println("child ended with", command.Run())
	}
}
