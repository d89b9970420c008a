// A service with net/http/pprof on $PORT or a port of its own choice, which it prints: half of its time is under a label. Its arguments say
// what is strange about it: slow (a WriteTimeout of half a second, behind a middleware), busy (it profiles itself all the time), closed (it wants a
// password), moved (another path), bare (no profiles at all), asleep (no answer at all), private (a certificate of its own making),
// empty (an answer of no bytes), garbled (of bytes that are not the gzip that its head says), cached (always the first one).
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	httppprof "net/http/pprof"
	"os"
	"runtime/pprof"
	"time"
)

//go:noinline
func parse(d time.Duration) (sum int) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		sum += spin(10_000)
	}
	return sum
}

//go:noinline
func render(d time.Duration) (sum int) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		sum += spin(10_000)
	}
	return sum
}

func spin(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i * i % 7
	}
	return sum
}

func work() {
	for {
		pprof.Do(context.Background(), pprof.Labels("request", "parse"), func(context.Context) { parse(3 * time.Millisecond) })
		render(3 * time.Millisecond)
		time.Sleep(9 * time.Millisecond)
	}
}

func closed(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if (user != "admin" || password != "s3cret") && r.Header.Get("X-Token") != "t0ken" && r.URL.Query().Get("token") != "t0ken" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		handler(w, r)
	}
}

func main() {
	how := ""
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	server := http.Server{Handler: mux}
	switch how {
	case "bare":
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "<html>hello</html>") })
	case "closed":
		mux.HandleFunc("/debug/pprof/profile", closed(httppprof.Profile))
	case "empty":
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {})
	case "garbled":
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprintln(w, "no gzip")
		})
	case "cached":
		first := httptest.NewRecorder()
		mux.HandleFunc("/debug/pprof/profile", func(w http.ResponseWriter, r *http.Request) {
			if first.Body.Len() == 0 {
				httppprof.Profile(first, r)
			}
			w.Write(first.Body.Bytes())
		})
	case "asleep":
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute) })
	case "moved":
		mux.HandleFunc("/internal/pprof/profile", httppprof.Profile)
	default:
		mux.HandleFunc("/debug/pprof/profile", httppprof.Profile)
		mux.Handle("/memory/profile", httppprof.Handler("heap"))
		mux.HandleFunc("/elsewhere/profile", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/debug/pprof/profile", http.StatusFound)
		})
	}
	switch how {
	case "slow":
		server.WriteTimeout = 500 * time.Millisecond
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mux.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	case "busy":
		pprof.StartCPUProfile(io.Discard)
	}
	if how != "asleep" {
		go work()
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if how == "private" {
		secret := httptest.NewUnstartedServer(mux)
		secret.Listener.Close()
		secret.Listener = listener
		secret.StartTLS()
		select {}
	}
	server.Serve(listener)
}
