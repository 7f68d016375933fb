// The timer queue alone, among so many other timers.
#include "copas/core/timers.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <deque>

namespace {

using namespace std::chrono_literals;

constexpr copas::deadline start{std::chrono::hours{1000}};

std::chrono::nanoseconds delay(std::int64_t number) {
  return std::chrono::microseconds{1 + number * 7919 % 60'000'000};
}

void set_and_cancel(benchmark::State& state) {
  std::deque<copas::timer_hook> others(static_cast<std::size_t>(state.range()));
  copas::timer_queue queue{start};  // ends first, and lets go of them
  std::int64_t number = 0;
  for (copas::timer_hook& each : others) queue.set(each, start + delay(number++));
  copas::timer_hook timer;
  for (auto _ : state) {
    queue.set(timer, start + delay(number++));
    queue.cancel(timer);
  }
}
BENCHMARK(set_and_cancel)->Arg(0)->Arg(1000)->Arg(1'000'000);

// Each timer that fires is set again, so that as many remain.
void fire_and_set(benchmark::State& state) {
  std::deque<copas::timer_hook> timers(static_cast<std::size_t>(state.range()));
  copas::timer_queue queue{start};
  std::int64_t number = 0;
  for (copas::timer_hook& each : timers) queue.set(each, start + delay(number++));
  copas::deadline now = start;
  for (auto _ : state) {
    copas::timer_hook* due = queue.pop_due(now);
    while (due == nullptr) {
      now = queue.next_deadline();
      due = queue.pop_due(now);
    }
    queue.set(*due, now + delay(number++));
  }
}
BENCHMARK(fire_and_set)->Arg(1)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
