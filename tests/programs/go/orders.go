// Parses, prices and sorts orders on three goroutines for the given seconds; prints a line now and then.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"time"
)

var line = regexp.MustCompile(`(\w+);(\d+);(\d+\.\d+)`)

type order struct {
	Name   string
	Pieces int
	Price  float64
}

func (each order) total() float64 { return float64(each.Pieces) * each.Price }

type discounts map[int]float64

func (some discounts) apply(each order) float64 {
	best := 1.0
	for pieces, share := range some {
		if pieces <= each.Pieces && share < best {
			best = share
		}
	}
	return best * each.total()
}

func parse(text string) order {
	found := line.FindStringSubmatch(text)
	pieces, _ := strconv.Atoi(found[2])
	price, _ := strconv.ParseFloat(found[3], 64)
	return order{found[1], pieces, price}
}

func handle(some discounts) (sum float64, size int) {
	var orders []order
	for number := 0; number < 300; number++ {
		orders = append(orders, parse(fmt.Sprintf("item%d;%d;%d.25", number*7919%1000, number%50, number%9)))
	}
	sort.Slice(orders, func(one, other int) bool { return orders[one].Name < orders[other].Name })
	for _, each := range orders {
		sum += some.apply(each)
	}
	text, _ := json.Marshal(orders)
	return sum, len(text)
}

func main() {
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	ends := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	some := discounts{}
	for pieces := 0; pieces < 50; pieces++ {
		some[pieces] = 1 - float64(pieces)/200
	}
	var all sync.WaitGroup
	for number := 0; number < 3; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			sum := 0.0
			for turn := 0; time.Now().Before(ends); turn++ {
				more, _ := handle(some)
				sum += more
				if turn%200 == 0 {
					fmt.Printf("orders-%d: %.2f after %d turns\n", number, sum, turn)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}(number)
	}
	all.Wait()
}
