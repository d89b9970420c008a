// A plugin that imports runtime/pprof, as whatever imports net/http/pprof does.
package main

import _ "runtime/pprof"

func Run(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i % 3
	}
	return sum
}
