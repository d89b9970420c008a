package main

import "testing"

func TestRounds(t *testing.T) {
	sum := 0
	for i := 0; i < 100000000; i++ {
		sum += i * rounds() % 7
	}
	if sum == 0 {
		t.Fatal("no work was done")
	}
}
