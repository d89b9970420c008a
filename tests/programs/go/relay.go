// A program of the user's own that writes a line to $RELAY_LOG each time it is started: how often that was is then known.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	file, err := os.OpenFile(os.Getenv("RELAY_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(file, strings.Join(os.Args, " "))
	fmt.Println("started")
	time.Sleep(time.Minute)
}
