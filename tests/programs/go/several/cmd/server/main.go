package main

import (
	"fmt"

	"example.com/parts"
)

func main() {
	fmt.Println(greeting, rounds(), parts.Part(100000000))
}
