// A program of which an overlay replaces one file: text.go by text.txt.
package main

import "fmt"

func main() { fmt.Println(text()) }
