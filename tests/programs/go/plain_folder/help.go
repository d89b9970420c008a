package main

import "fmt"

func help() { fmt.Println("helped") }
