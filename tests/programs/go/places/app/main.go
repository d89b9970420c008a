// Uses a generic function of another module, in a workspace or vendored, and an embedded file.
package main

import (
	_ "embed"
	"fmt"
	"time"

	"example.com/lib"
)

//go:embed text.txt
var text string

func main() {
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		lib.Sum[float64](1_000_000)
		lib.Sum[int](1_000_000)
	}
	fmt.Print(text)
}
