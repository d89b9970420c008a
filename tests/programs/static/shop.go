package main

import "fmt"
import (
	"os"
	. "strings"
)

type Shop struct{ goods []string }
type (
	Visitor interface{ Visit() }
	Price   float64
	Other   = Price
	List[T any] struct{ items []T }
)

var table = map[string]func() bool{
	"a": func() bool { return len(os.Args) > 1 && true },
}

func (s *Shop) Sell(name string) (err error) {
	defer func() {
		go func() {
			if err != nil || name == "" {
				fmt.Println(`if for`)
			}
		}()
	}()
	for range s.goods {
		switch {
		case name == "", name == "x":
		default:
		}
	}
	select {
	case <-make(chan int):
	default:
	}
	return nil
}

func (p Price) Visit() { _ = p }

func (l List[T]) Each(visit func(T)) {
	for _, item := range l.items {
		visit(item)
	}
}

func Map[T, U any](items []T, convert func(T) U) (out []U) { return }

func external(x int) bool

func main() {
	var any1 any = ToUpper("x")
	switch any1.(type) {
	case int, string:
	case nil:
	}
label:
	if len(os.Args) > 3 {
		goto label
	} else if len(os.Args) > 2 {
	}
}
