// Asio's channel, its one primitive for coroutines: without a wait, and handed over between two coroutines.
#include <asio.hpp>
#include <asio/experimental/channel.hpp>
#include <optional>

#include "common/figures.hpp"

namespace {

using channel = asio::experimental::channel<void(asio::error_code, long)>;

asio::awaitable<void> alone(channel& items, long times) {
  for (long time = 0; time < times; ++time) {
    items.try_send(asio::error_code{}, time);
    const long item = co_await items.async_receive(asio::use_awaitable);
    figures::require(item == time, "the item that was sent");
  }
}

asio::awaitable<void> passing(channel& from, channel& to, long times) {
  for (long time = 0; time < times; ++time) {
    to.try_send(asio::error_code{}, co_await from.async_receive(asio::use_awaitable));
  }
}

void measure(const char* name, asio::io_context& context, long times) {
  const double start = figures::cpu_time();
  context.run();
  figures::print(name, (figures::cpu_time() - start) * 1000 / static_cast<double>(times), "ns");
  context.restart();
}

}  // namespace

int main(int count, char** arguments) {
  const long times = figures::argument(count, arguments, 1'000'000);
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  channel there{context, 1};
  channel back{context, 1};

  asio::co_spawn(context, alone(there, times), asio::detached);
  measure("queue", context, times);

  asio::co_spawn(context, passing(there, back, times / 2), asio::detached);
  asio::co_spawn(context, passing(back, there, times / 2), asio::detached);
  there.try_send(asio::error_code{}, 1);
  measure("queue-handed-over", context, times);
}
