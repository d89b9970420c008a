package main

import "testing"

func BenchmarkSpin(b *testing.B) {
	for i := 0; i < b.N; i++ {
		spin(1000)
		if i%1000 == 0 {
			allocate(10)
			kept = nil
		}
	}
}
