// Switches between coroutines of Asio that post themselves, and coroutines that are made and end, in batches of 1000.
// Set up as Asio documents for programs of one thread.
#include <asio.hpp>

#include "common/figures.hpp"

namespace {

asio::awaitable<void> giving_way(long times) {
  for (long time = 0; time < times; ++time) co_await asio::post(asio::use_awaitable);
}

asio::awaitable<void> ending_at_once(long& ended) {
  ++ended;
  co_return;
}

void measure_switches(const char* name, long tasks, long switches) {
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  for (long task = 0; task < tasks; ++task) asio::co_spawn(context, giving_way(switches / tasks), asio::detached);
  const double start = figures::cpu_time();
  context.run();
  figures::print(name, (figures::cpu_time() - start) * 1000 / static_cast<double>(switches), "ns");
}

void measure_spawns(long count) {
  constexpr long batch = 1000;
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  long ended = 0;
  const double start = figures::cpu_time();
  for (long begun = 0; begun < count; begun += batch) {
    for (long task = 0; task < batch; ++task) asio::co_spawn(context, ending_at_once(ended), asio::detached);
    context.restart();
    context.run();
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
