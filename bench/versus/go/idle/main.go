// A server that nobody calls and a timer of a minute, in Go.
package main

import (
	"fmt"
	"log"
	"net"
	"runtime"
	"time"
)

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the program to one core
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for range time.Tick(time.Minute) {
		}
	}()
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		conn.Close()
	}
}
