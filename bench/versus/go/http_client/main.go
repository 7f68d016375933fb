// Makes HTTP requests by net/http: one client, whose transport may keep as many connections as there are requests at
// once, in as many goroutines.
//
//	http_client-go many URL COUNT AT_ONCE   |   http_client-go download URL BYTES
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

const expected = "hello, world, from a server that has little to say\n"

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func get(client *http.Client, url string) *http.Response {
	answer, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	return answer
}

func makeMany(url string, count, atOnce int64) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: int(atOnce)}}
	var begun atomic.Int64
	var all sync.WaitGroup
	for i := int64(0); i < atOnce; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for begun.Add(1) <= count {
				answer := get(client, url)
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || string(body) != expected {
					log.Fatal("a request failed")
				}
			}
		}()
	}
	all.Wait()
}

func download(url string, bytes int64) {
	answer := get(http.DefaultClient, url)
	received, err := io.Copy(io.Discard, answer.Body)
	if err != nil || received != bytes {
		log.Fatal("the download failed")
	}
}

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the client to one core
	if os.Args[1] == "many" {
		makeMany(os.Args[2], number(os.Args[3]), number(os.Args[4]))
	} else {
		download(os.Args[2], number(os.Args[3]))
	}
}
