// fixed_work [-cpuprofile FILE] ROUNDS formats some of the standard library's source as gofmt does, so many times, and prints when
// it began and ended, and the seconds of CPU time it took.
package main

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"
)

func main() {
	profile := flag.String("cpuprofile", "", "where to write the program's own profile")
	flag.Parse()
	rounds, err := strconv.Atoi(flag.Arg(0))
	check(err)
	if *profile != "" {
		file, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(file))
		defer pprof.StopCPUProfile()
	}
	sources := read(filepath.Join(runtime.GOROOT(), "src", "net", "http", "*.go"))
	began, beganCPU := time.Now(), cpu()
	for range rounds {
		for _, source := range sources {
			_, err := format.Source(source)
			check(err)
		}
	}
	fmt.Println("worked", seconds(began), seconds(time.Now()), cpu()-beganCPU)
}

func read(pattern string) (sources [][]byte) {
	names, err := filepath.Glob(pattern)
	check(err)
	for _, name := range names {
		source, err := os.ReadFile(name)
		check(err)
		sources = append(sources, source)
	}
	if len(sources) == 0 {
		panic("nothing to format: " + pattern)
	}
	return sources
}

func seconds(at time.Time) float64 {
	return float64(at.UnixMilli()) / 1e3
}

func cpu() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
