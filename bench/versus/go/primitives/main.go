// Mutexes and channels on one thread: without a wait, and handed over between two goroutines.
package main

import (
	"runtime"
	"sync"

	"copas.invalid/bench/figures"
)

func measure(name string, times int, bodies ...func()) {
	var ended sync.WaitGroup
	ended.Add(len(bodies))
	start := figures.CPUTime()
	for _, body := range bodies {
		go func(body func()) {
			body()
			ended.Done()
		}(body)
	}
	ended.Wait()
	figures.Print(name, (figures.CPUTime()-start)*1000/float64(times), "ns")
}

func main() {
	runtime.GOMAXPROCS(1)
	times := figures.Argument(1000000)

	var lock sync.Mutex
	measure("lock", times, func() {
		for time := 0; time < times; time++ {
			lock.Lock()
			//lint:ignore SA2001 its cost is what is measured
			lock.Unlock()
		}
	})

	store := make(chan struct{}, 1)
	measure("semaphore", times, func() {
		for time := 0; time < times; time++ {
			store <- struct{}{}
			<-store
		}
	})

	queue := make(chan int, 1)
	measure("queue", times, func() {
		for time := 0; time < times; time++ {
			queue <- time
			<-queue
		}
	})

	holding := func() {
		for time := 0; time < times/2; time++ {
			store <- struct{}{}
			runtime.Gosched() // so that the other one waits
			<-store
		}
	}
	measure("lock-handed-over", times, holding, holding)

	there, back := make(chan int, 1), make(chan int, 1)
	passing := func(from, to chan int) func() {
		return func() {
			for time := 0; time < times/2; time++ {
				to <- <-from
			}
		}
	}
	there <- 1
	measure("queue-handed-over", times, passing(there, back), passing(back, there))
}
