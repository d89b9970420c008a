// Loads its plugin, which has to be built before: go build -buildmode=plugin -o p.so ./p
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	loaded, err := plugin.Open("p.so")
	if err != nil {
		fmt.Println(err)
		os.Exit(4)
	}
	run, _ := loaded.Lookup("Run")
	fmt.Println(run.(func(int) int)(1_000_000))
}
