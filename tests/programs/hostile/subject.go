// counts its start in a file, says a line on either stream, works for a moment, and ends as it is told: subject LOG 7|kill|wait
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	log, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		os.Exit(3)
	}
	fmt.Fprintln(log, os.Getpid())
	log.Close()
	os.Stdout.Write([]byte("to 1 \xff\n"))
	os.Stderr.Write([]byte("to 2 \xff\n"))
	sum := 0
	for until := time.Now().Add(150 * time.Millisecond); time.Now().Before(until); {
		sum++
	}
	if os.Args[2] == "wait" {
		time.Sleep(time.Minute)
	}
	if os.Args[2] == "kill" {
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Minute)
	}
	status, _ := strconv.Atoi(os.Args[2])
	os.Exit(status)
}
