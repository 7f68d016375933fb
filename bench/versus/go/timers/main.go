// Goroutines that sleep and end, all alive at once; and timers that call a function (time.AfterFunc).
package main

import (
	"sync"
	"sync/atomic"
	"time"

	"copas.invalid/bench/figures"
)

// After first, one in each microsecond on average.
func delay(number, count int, first time.Duration) time.Duration {
	return first + time.Duration(1e3*float64(count)*figures.Spread(number))
}

func measureTasks(count int) {
	before := figures.Memory()
	start := figures.CPUTime()
	first := time.Second + time.Duration(count)*20*time.Microsecond
	var running, ended sync.WaitGroup
	var done atomic.Int64
	running.Add(count)
	ended.Add(count)
	for number := 0; number < count; number++ {
		go func(time_ time.Duration) {
			running.Done()
			time.Sleep(time_)
			done.Add(1)
			ended.Done()
		}(delay(number, count, first))
	}
	running.Wait()
	if done.Load() != 0 {
		panic("not all goroutines sleep at once")
	}
	grown := figures.Memory() - before
	ended.Wait()
	figures.Print("task", (figures.CPUTime()-start)/float64(count), "us")
	figures.Print("task-memory", grown/float64(count), "B")
}

func measureTimers(count int) {
	var fired sync.WaitGroup
	fired.Add(count)
	create := func(first time.Duration) (float64, []*time.Timer) {
		timers := make([]*time.Timer, count)
		start := figures.CPUTime()
		for number := range timers {
			timers[number] = time.AfterFunc(delay(number, count, first), fired.Done)
		}
		return (figures.CPUTime() - start) / float64(count), timers
	}

	_, timers := create(60 * time.Second)
	const pairs = 200000
	start := figures.CPUTime()
	for number := 0; number < pairs; number++ {
		time.AfterFunc(60*time.Second, fired.Done).Stop()
	}
	figures.Print("set-and-cancel", (figures.CPUTime()-start)/pairs, "us")
	start = figures.CPUTime()
	for _, timer := range timers {
		timer.Stop()
	}
	figures.Print("cancel", (figures.CPUTime()-start)/float64(count), "us")

	created, _ := create(500*time.Millisecond + time.Duration(count)*3*time.Microsecond)
	figures.Print("create", created, "us")
	start = figures.CPUTime()
	fired.Wait()
	figures.Print("fire", (figures.CPUTime()-start)/float64(count), "us")
}

func main() {
	count := figures.Argument(1000000)
	measureTasks(count)
	measureTimers(count)
}
