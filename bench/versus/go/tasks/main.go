// Switches between goroutines on one thread (runtime.Gosched), and goroutines that are made and end, in batches of 1000.
package main

import (
	"runtime"
	"sync"

	"copas.invalid/bench/figures"
)

func measureSwitches(name string, tasks, times int) {
	var ended sync.WaitGroup
	ended.Add(tasks)
	start := figures.CPUTime()
	for task := 0; task < tasks; task++ {
		go func() {
			for time := 0; time < times/tasks; time++ {
				runtime.Gosched()
			}
			ended.Done()
		}()
	}
	ended.Wait()
	figures.Print(name, (figures.CPUTime()-start)*1000/float64(times), "ns")
}

func measureSpawns(count int) {
	const batch = 1000
	var ended sync.WaitGroup
	start := figures.CPUTime()
	for begun := 0; begun < count; begun += batch {
		ended.Add(batch)
		for task := 0; task < batch; task++ {
			go ended.Done()
		}
		ended.Wait()
	}
	figures.Print("spawn", (figures.CPUTime()-start)*1000/float64(count), "ns")
}

func main() {
	runtime.GOMAXPROCS(1)
	times := figures.Argument(2000000)
	measureSwitches("switch-2", 2, times)
	measureSwitches("switch-100", 100, times)
	measureSpawns(times)
}
