// The encrypted line echo server in Go: tls.Listen, a goroutine for each connection, bufio for reading. A line is
// written at once, which makes a record of it.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
)

func echo(conn net.Conn) {
	defer conn.Close()
	for reader := bufio.NewReader(conn); ; {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		if _, err := conn.Write(line); err != nil {
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the server to one core
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go echo(conn)
	}
}
