// Package figures is what the programs share: clocks, memory, and the lines they print.
package figures

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// CPUTime is what all threads of this process have used, in microseconds.
func CPUTime() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Sec+used.Stime.Sec)*1e6 + float64(used.Utime.Usec+used.Stime.Usec)
}

// Memory is the resident memory of this process, in bytes.
func Memory() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

// Print writes one line of the program's output.
func Print(name string, value float64, unit string) {
	fmt.Printf("%s %.6g %s\n", name, value, unit)
}

// Argument is the number that the program was called with.
func Argument(otherwise int) int {
	if len(os.Args) > 1 {
		if number, err := strconv.Atoi(os.Args[1]); err == nil {
			return number
		}
	}
	return otherwise
}

// Spread gives numbers from 0 to 1, spread evenly and in no order: the same in all programs.
func Spread(number int) float64 {
	_, fraction := math.Modf(float64(number) * 0.6180339887498949)
	return fraction
}
