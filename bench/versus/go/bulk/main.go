// Sends or receives a lot in Go: Write and Read of 64 KiB, plain or by crypto/tls.
//
//	bulk-go 0 send|receive BYTES [CERTIFICATE KEY]
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
)

const block = 64 * 1024

func sendBytes(conn net.Conn, left int) {
	for reader := bufio.NewReader(conn); ; {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	for text := make([]byte, block); left > 0; {
		count, err := conn.Write(text)
		if err != nil {
			return
		}
		left -= count
	}
}

func receiveBytes(conn net.Conn, left int) {
	for text := make([]byte, block); left > 0; {
		count, err := conn.Read(text)
		if err != nil {
			return
		}
		left -= count
	}
	conn.Write([]byte("done\n"))
}

func listen() (net.Listener, error) {
	if len(os.Args) <= 5 {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	pair, err := tls.LoadX509KeyPair(os.Args[4], os.Args[5])
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
}

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the server to one core
	bytes, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := listen()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			if os.Args[2] == "send" {
				sendBytes(conn, bytes)
			} else {
				receiveBytes(conn, bytes)
			}
		}()
	}
}
