// Tasks that sleep and end, all alive at once, in no order and in that of their beginning; and timers without a task, as a wait with a deadline sets them.
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>

#include "common/figures.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"

namespace {

using namespace std::chrono_literals;

// After `first`, one in each microsecond on average.
std::chrono::nanoseconds delay(long number, long count, std::chrono::nanoseconds first) {
  return first +
         std::chrono::nanoseconds{static_cast<long>(1e3 * static_cast<double>(count) * figures::spread(number))};
}

copas::task<> sleeper(copas::loop& home, std::chrono::nanoseconds time) { co_await copas::sleep_for(home, time); }

void measure_tasks_in_order(long count) {
  const double start = figures::cpu_time();
  copas::loop events{copas::system_reactor()};
  const auto time = 500ms + count * 3us;
  for (long number = 0; number < count; ++number) events.spawn(sleeper(events, time));
  events.run();
  figures::print("task-in-order", (figures::cpu_time() - start) / static_cast<double>(count), "us");
}

void measure_tasks(long count) {
  const double memory = figures::memory();
  const double start = figures::cpu_time();
  copas::loop events{copas::system_reactor()};
  const auto first = 500ms + count * 3us;
  for (long number = 0; number < count; ++number) events.spawn(sleeper(events, delay(number, count, first)));
  events.turn(copas::deadline::min());
  figures::require(events.timers() == static_cast<std::size_t>(count), "not all tasks sleep at once");
  const double grown = figures::memory() - memory;
  events.run();
  figures::print("task", (figures::cpu_time() - start) / static_cast<double>(count), "us");
  figures::print("task-memory", grown / static_cast<double>(count), "B");
}

void measure_timers(long count) {
  copas::loop events{copas::system_reactor()};
  long fired = 0;
  const copas::waiter counter{[](void* counted) { ++*static_cast<long*>(counted); }, &fired};
  std::deque<copas::sleep_awaitable> set;
  const auto create = [&](std::chrono::nanoseconds first) {
    const double start = figures::cpu_time();
    for (long number = 0; number < count; ++number) {
      set.emplace_back(events, events.io().after(delay(number, count, first))).await_suspend(counter);
    }
    return (figures::cpu_time() - start) / static_cast<double>(count);
  };

  create(60s);
  const long pairs = 1'000'000;
  double start = figures::cpu_time();
  for (long number = 0; number < pairs; ++number) {
    auto another = copas::sleep_for(events, 60s);
    another.await_suspend(counter);
  }
  figures::print("set-and-cancel", (figures::cpu_time() - start) / static_cast<double>(pairs), "us");

  start = figures::cpu_time();
  set.clear();
  figures::print("cancel", (figures::cpu_time() - start) / static_cast<double>(count), "us");

  figures::print("create", create(500ms + count * 1us), "us");
  figures::require(fired == 0, "timers fired before all were set");
  start = figures::cpu_time();
  events.run();
  figures::print("fire", (figures::cpu_time() - start) / static_cast<double>(count), "us");
  figures::require(fired == count, "not all timers fired");
}

}  // namespace

int main(int count, char** arguments) {
  const long timers = figures::argument(count, arguments, 1'000'000);
  measure_tasks(timers);
  measure_tasks_in_order(timers);
  measure_timers(timers);
}
