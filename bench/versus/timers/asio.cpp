// Coroutines of Asio that sleep (a steady_timer each) and end, all alive at once; and plain timers. Set up as Asio
// documents for programs of one thread.
#include <asio.hpp>
#include <chrono>
#include <deque>

#include "common/figures.hpp"

namespace {

using namespace std::chrono_literals;

// After `first`, one in each microsecond on average.
std::chrono::nanoseconds delay(long number, long count, std::chrono::nanoseconds first) {
  return first +
         std::chrono::nanoseconds{static_cast<long>(1e3 * static_cast<double>(count) * figures::spread(number))};
}

long alive = 0;
long most = 0;

asio::awaitable<void> sleeper(std::chrono::nanoseconds time) {
  ++alive;
  asio::steady_timer timer{co_await asio::this_coro::executor, time};
  co_await timer.async_wait(asio::use_awaitable);
  most = std::max(most, alive--);
}

void measure_tasks(long count) {
  const double memory = figures::memory();
  const double start = figures::cpu_time();
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  const auto first = 500ms + count * 10us;
  for (long number = 0; number < count; ++number) {
    asio::co_spawn(context, sleeper(delay(number, count, first)), asio::detached);
  }
  context.poll();
  const double grown = figures::memory() - memory;
  context.run();
  figures::print("task", (figures::cpu_time() - start) / static_cast<double>(count), "us");
  figures::print("task-memory", grown / static_cast<double>(count), "B");
  figures::require(most == count, "not all tasks sleep at once");
}

void measure_timers(long count) {
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  long fired = 0;
  const auto counter = [&fired](asio::error_code error) { fired += !error; };
  std::deque<asio::steady_timer> set;
  const auto create = [&](std::chrono::nanoseconds first) {
    const double start = figures::cpu_time();
    for (long number = 0; number < count; ++number) {
      set.emplace_back(context, delay(number, count, first)).async_wait(counter);
    }
    return (figures::cpu_time() - start) / static_cast<double>(count);
  };

  create(60s);
  const long batches = 1000;
  const long batch = 1000;
  asio::steady_timer another{context};
  double start = figures::cpu_time();
  for (long number = 0; number < batches; ++number) {
    for (long each = 0; each < batch; ++each) {
      another.expires_after(60s);
      another.async_wait(counter);
      another.cancel();
    }
    context.poll();  // runs the handlers of what was cancelled
  }
  figures::print("set-and-cancel", (figures::cpu_time() - start) / static_cast<double>(batches * batch), "us");

  start = figures::cpu_time();
  for (asio::steady_timer& timer : set) timer.cancel();
  context.poll();
  figures::print("cancel", (figures::cpu_time() - start) / static_cast<double>(count), "us");
  set.clear();
  context.restart();

  figures::print("create", create(500ms + count * 3us), "us");
  start = figures::cpu_time();
  context.run();
  figures::print("fire", (figures::cpu_time() - start) / static_cast<double>(count), "us");
  figures::require(fired == count, "not all timers fired");
}

}  // namespace

int main(int count, char** arguments) {
  const long timers = figures::argument(count, arguments, 1'000'000);
  measure_tasks(timers);
  measure_timers(timers);
}
