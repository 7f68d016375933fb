// The line echo server in Go: a goroutine for each connection, bufio on both sides, as the net package's
// documentation has it. Output is flushed when no further line is buffered. With `blocks` it sends back whatever comes.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
)

// hasLine tells whether a complete line is buffered, so that the next read does not wait.
func hasLine(reader *bufio.Reader) bool {
	if reader.Buffered() == 0 {
		return false
	}
	waiting, _ := reader.Peek(reader.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}

// echo answers lines until the peer ends or says "quit". Go sets TCP_NODELAY itself.
func echo(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	writer := bufio.NewWriter(conn)
	defer writer.Flush()
	for whole := true; ; {
		line, err := reader.ReadSlice('\n')
		// A line longer than the buffer comes, and goes, in parts.
		part := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !part {
			return
		}
		if whole && bytes.Equal(line, []byte("quit\n")) {
			return
		}
		whole = !part
		if _, err := writer.Write(line); err != nil {
			return
		}
		if !hasLine(reader) {
			if err := writer.Flush(); err != nil {
				return
			}
		}
	}
}

func echoBlocks(conn net.Conn) {
	defer conn.Close()
	for block := make([]byte, 1024); ; {
		size, err := conn.Read(block)
		if err != nil {
			return
		}
		if _, err := conn.Write(block[:size]); err != nil {
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the server to one core
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	serve := echo
	if len(os.Args) > 2 && os.Args[2] == "blocks" {
		serve = echoBlocks
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}
