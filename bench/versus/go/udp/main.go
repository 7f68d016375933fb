// The UDP echo server in Go: ReadFromUDPAddrPort and WriteToUDPAddrPort, which the net package has for servers that
// want no allocation for each datagram.
package main

import (
	"fmt"
	"log"
	"net"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1) // the benchmark pins the server to one core
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", server.LocalAddr().(*net.UDPAddr).Port)
	for datagram := make([]byte, 2048); ; {
		size, sender, err := server.ReadFromUDPAddrPort(datagram)
		if err != nil {
			log.Fatal(err)
		}
		server.WriteToUDPAddrPort(datagram[:size], sender)
	}
}
