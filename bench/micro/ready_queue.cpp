// The ready queue: a switch between tasks, and a new task that ends at once.
#include <benchmark/benchmark.h>

#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"

namespace {

copas::task<> giving_way(copas::loop& home, const bool& over) {
  while (!over) co_await copas::yield(home);
}

// A turn of so many tasks.
void turn_of_ready_tasks(benchmark::State& state) {
  copas::loop events{copas::system_reactor()};
  bool over = false;
  for (std::int64_t task = 0; task < state.range(); ++task) events.spawn(giving_way(events, over));
  for (auto _ : state) events.turn();
  over = true;
  events.run();
  state.SetItemsProcessed(state.iterations() * state.range());
}
BENCHMARK(turn_of_ready_tasks)->Arg(1)->Arg(2)->Arg(100)->Arg(10'000);

copas::task<> ending_at_once() { co_return; }

void spawn_and_end(benchmark::State& state) {
  copas::loop events{copas::system_reactor()};
  for (auto _ : state) {
    for (std::int64_t task = 0; task < state.range(); ++task) events.spawn(ending_at_once());
    events.turn();
  }
  state.SetItemsProcessed(state.iterations() * state.range());
}
BENCHMARK(spawn_and_end)->Arg(1)->Arg(100)->Arg(1000);

}  // namespace
