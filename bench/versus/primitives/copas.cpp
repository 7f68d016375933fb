// Locks, semaphores and queues: without a wait, handed over between two tasks, and with many tasks that wait at once.
#include <chrono>
#include <cstddef>
#include <optional>

#include "common/figures.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/sync/lock.hpp"
#include "copas/sync/queue.hpp"
#include "copas/sync/semaphore.hpp"

namespace {

using namespace std::chrono_literals;

template <class Body>
void measure(const char* name, long times, Body body) {
  copas::loop events{copas::system_reactor()};
  const double start = figures::cpu_time();
  body(events);
  events.run();
  figures::print(name, (figures::cpu_time() - start) * 1000 / static_cast<double>(times), "ns");
}

copas::task<> lock_alone(copas::loop& home, long times) {
  copas::lock door{home};
  for (long time = 0; time < times; ++time) {
    const auto held = co_await door.get();
    figures::require(held.has_value(), "a lock that nobody holds");
  }
}

copas::task<> semaphore_alone(copas::loop& home, long times) {
  copas::semaphore store{home, 1, 1};
  for (long time = 0; time < times; ++time) {
    const auto taken = co_await store.take();
    figures::require(taken.has_value(), "a semaphore that has units");
    store.give();
  }
}

copas::task<> queue_alone(copas::loop& home, long times) {
  copas::queue<long> items{home};
  for (long time = 0; time < times; ++time) {
    static_cast<void>(items.push(time));
    const auto item = co_await items.pop();
    figures::require(item.has_value() && *item == time, "the item that was pushed");
  }
}

copas::task<> holding(copas::loop& home, copas::lock& door, long times) {
  for (long time = 0; time < times; ++time) {
    const auto held = co_await door.get();
    co_await copas::yield(home);  // so that the other one waits
  }
}

copas::task<> passing(copas::queue<long>& from, copas::queue<long>& to, long times) {
  for (long time = 0; time < times; ++time) static_cast<void>(to.push((co_await from.pop()).value()));
}

copas::task<> waiting(copas::semaphore& store, copas::deadline until, long& ended) {
  const auto taken = co_await store.take(1, until);
  ended += taken.has_value() ? 0 : 1;
}

void measure_crowd(long count) {
  for (const bool timed_out : {false, true}) {
    copas::loop events{copas::system_reactor()};
    copas::semaphore store{events, 1};
    long ended = 0;
    const copas::deadline until = timed_out ? events.io().now() + 100ms + count * 1us : copas::never;
    for (long task = 0; task < count; ++task) events.spawn(waiting(store, until, ended));
    events.turn(copas::deadline::min());
    const double start = figures::cpu_time();
    if (!timed_out) store.destroy();
    events.run();
    figures::print(timed_out ? "crowd-timed-out" : "crowd-destroyed",
                   (figures::cpu_time() - start) * 1000 / static_cast<double>(count), "ns");
    figures::require(ended == count, "all have waited in vain");
  }
}

}  // namespace

int main(int count, char** arguments) {
  const long times = figures::argument(count, arguments, 1'000'000);
  measure("lock", times, [times](copas::loop& home) { home.spawn(lock_alone(home, times)); });
  measure("semaphore", times, [times](copas::loop& home) { home.spawn(semaphore_alone(home, times)); });
  measure("queue", times, [times](copas::loop& home) { home.spawn(queue_alone(home, times)); });

  std::optional<copas::lock> door;
  measure("lock-handed-over", times, [&](copas::loop& home) {
    door.emplace(home);
    home.spawn(holding(home, *door, times / 2));
    home.spawn(holding(home, *door, times / 2));
  });
  door.reset();
  std::optional<copas::queue<long>> there;
  std::optional<copas::queue<long>> back;
  measure("queue-handed-over", times, [&](copas::loop& home) {
    there.emplace(home);
    back.emplace(home);
    home.spawn(passing(*there, *back, times / 2));
    home.spawn(passing(*back, *there, times / 2));
    static_cast<void>(there->push(1));
  });
  there.reset();
  back.reset();
  measure_crowd(times / 10);
}
