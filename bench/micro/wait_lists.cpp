// Wait lists: those who wait for an event, all woken, and one who waits for a semaphore.
#include <benchmark/benchmark.h>

#include "copas/core/loop.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/sync/event.hpp"
#include "copas/sync/semaphore.hpp"

namespace {

copas::task<> waiting(copas::event& awaited, const bool& over) {
  while (!over) co_await awaited.wait();
}

void wake_all(benchmark::State& state) {
  copas::loop events{copas::system_reactor()};
  copas::event happening{events};
  bool over = false;
  for (std::int64_t task = 0; task < state.range(); ++task) events.spawn(waiting(happening, over));
  events.turn();
  for (auto _ : state) {
    happening.set();
    happening.reset();
    events.turn();
  }
  over = true;
  happening.set();
  events.run();
  state.SetItemsProcessed(state.iterations() * state.range());
}
BENCHMARK(wake_all)->Arg(1)->Arg(100)->Arg(10'000);

copas::task<> passing(copas::semaphore& from, copas::semaphore& to) {
  for (;;) {
    static_cast<void>(co_await from.take());
    to.give();
  }
}

void hand_over(benchmark::State& state) {
  copas::loop events{copas::system_reactor()};
  copas::semaphore there{events, 1, 1};
  copas::semaphore back{events, 1};
  events.spawn(passing(there, back));
  events.spawn(passing(back, there));
  for (auto _ : state) events.turn();
  events.cancel_all();
  state.SetItemsProcessed(static_cast<std::int64_t>(events.resumptions()));
}
BENCHMARK(hand_over);

}  // namespace
