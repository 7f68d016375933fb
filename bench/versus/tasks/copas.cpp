// Switches between tasks that are always ready, and tasks that are made and end at once, in batches of 1000.
#include "common/figures.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"

namespace {

copas::task<> giving_way(copas::loop& home, long times) {
  for (long time = 0; time < times; ++time) co_await copas::yield(home);
}

copas::task<> ending_at_once(long& ended) {
  ++ended;
  co_return;
}

void measure_switches(const char* name, long tasks, long switches) {
  copas::loop events{copas::system_reactor()};
  for (long task = 0; task < tasks; ++task) events.spawn(giving_way(events, switches / tasks));
  const double start = figures::cpu_time();
  events.run();
  figures::print(name, (figures::cpu_time() - start) * 1000 / static_cast<double>(switches), "ns");
}

void measure_spawns(long count) {
  constexpr long batch = 1000;
  copas::loop events{copas::system_reactor()};
  long ended = 0;
  const double start = figures::cpu_time();
  for (long begun = 0; begun < count; begun += batch) {
    for (long task = 0; task < batch; ++task) events.spawn(ending_at_once(ended));
    events.turn();
  }
  figures::print("spawn", (figures::cpu_time() - start) * 1000 / static_cast<double>(count), "ns");
  figures::require(ended == count, "not all tasks ended");
}

}  // namespace

int main(int count, char** arguments) {
  const long times = figures::argument(count, arguments, 2'000'000);
  measure_switches("switch-2", 2, times);
  measure_switches("switch-100", 100, times);
  measure_spawns(times);
}
