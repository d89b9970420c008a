// Shows all that a program can see of its own surroundings.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strings"
)

func main() {
	fmt.Println("arguments:", strings.Join(os.Args[1:], "|"))
	environment := os.Environ()
	sort.Strings(environment)
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "_=") {
			fmt.Println("environment:", variable)
		}
	}
	folder, _ := os.Getwd()
	fmt.Println("folder:", folder)
	fmt.Println("goroutines:", runtime.NumGoroutine())
	pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
	stacks := make([]byte, 1<<20)
	fmt.Println("traces:", strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "goroutine "))
}
