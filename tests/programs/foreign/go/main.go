// Works, waits and allocates, and writes every profile that Go has of itself.
package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var kept [][]byte

//go:noinline
func allocate(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, 4096))
	}
}

//go:noinline
func spin(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * i
	}
	return sum
}

func main() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	file, _ := os.Create("cpu.pb.gz")
	pprof.StartCPUProfile(file)
	var mutex sync.Mutex
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 20; i++ {
				mutex.Lock()
				for until := time.Now().Add(10 * time.Millisecond); time.Now().Before(until); {
					spin(20_000)
				}
				mutex.Unlock()
			}
		}()
	}
	allocate(3000)
	group.Wait()
	pprof.StopCPUProfile()
	file.Close()
	server := httptest.NewServer(http.DefaultServeMux)
	for _, kind := range []string{"heap", "allocs", "mutex", "block", "goroutine", "threadcreate"} {
		answer, _ := http.Get(server.URL + "/debug/pprof/" + kind)
		body, _ := io.ReadAll(answer.Body)
		os.WriteFile(kind+".pb.gz", body, 0o644)
	}
}
