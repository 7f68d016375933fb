// Receive patterns: what is cut out of the bytes that a read has brought, with its share of the read. The number is how many
// lines or blocks arrive at once, or how many bytes the one has that is received.
#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/task.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/io/system_reactor.hpp"

namespace {

// Two connected sockets: what `peer` sends, `own` receives.
struct connection {
  explicit connection(copas::loop& home) : connection{home, pair()} {}

  // Sends what the system takes now; the rest is left.
  void feed(std::string_view& rest) const {
    const auto sent = ::send(peer.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
  }

  copas::unique_fd peer;
  copas::stream_handle own;

 private:
  using two = std::array<copas::unique_fd, 2>;
  connection(copas::loop& home, two made) : peer{std::move(made[0])}, own{home, std::move(made[1])} {}
  static two pair() {
    std::array<int, 2> made{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made.data()) != 0) {
      throw std::system_error{errno, std::generic_category(), "socketpair"};
    }
    return {copas::unique_fd{made[0]}, copas::unique_fd{made[1]}};
  }
};

copas::task<> receive_lines(copas::stream_handle& from, std::int64_t& received) {
  std::string line;
  while (co_await from.receive_line(line)) ++received;
}

copas::task<> receive_blocks(copas::stream_handle& from, std::size_t size, std::int64_t& received) {
  std::string block;
  while (co_await from.receive_exactly(block, size)) ++received;
}

copas::task<> receive_everything(copas::stream_handle& from, std::string& into) { co_await from.receive_all(into); }

// Lets `receiving`, which counts in `received`, have `text`, in which there are `count`, again and again.
template <class Receiving>
void feed_repeatedly(benchmark::State& state, std::string_view text, std::int64_t count, Receiving receiving) {
  copas::loop events{copas::system_reactor()};
  connection between{events};
  std::int64_t received = 0;
  events.spawn(receiving(between.own, received));
  events.turn();
  std::int64_t wanted = 0;
  for (auto _ : state) {
    wanted += count;
    for (std::string_view rest = text; received < wanted; events.turn()) {
      if (!rest.empty()) between.feed(rest);
    }
  }
  events.cancel_all();
  state.SetItemsProcessed(received);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

std::string repeated(std::string_view piece, std::int64_t count) {
  std::string text;
  for (std::int64_t each = 0; each < count; ++each) text += piece;
  return text;
}

void lines_of_32_bytes(benchmark::State& state) {
  const std::string text = repeated("a line of thirty-one characters\n", state.range());
  feed_repeatedly(state, text, state.range(), receive_lines);
}
BENCHMARK(lines_of_32_bytes)->Arg(1)->Arg(16)->Arg(200);

void blocks_of_64_bytes(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(64 * state.range()), 'x');
  feed_repeatedly(state, text, state.range(), [](copas::stream_handle& from, std::int64_t& received) {
    return receive_blocks(from, 64, received);
  });
}
BENCHMARK(blocks_of_64_bytes)->Arg(1)->Arg(16)->Arg(100);

// The longer, the more reads it takes; the time of a byte must not depend on that.
void long_line(benchmark::State& state) {
  const std::string text = std::string(static_cast<std::size_t>(state.range() - 1), 'x') + "\n";
  feed_repeatedly(state, text, 1, receive_lines);
}
BENCHMARK(long_line)->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 20)->Arg(1 << 23);

void up_to_the_end(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range()), 'x');
  copas::loop events{copas::system_reactor()};
  std::string received;
  for (auto _ : state) {
    connection between{events};
    events.spawn(receive_everything(between.own, received));
    for (std::string_view rest = text; !rest.empty(); events.turn()) between.feed(rest);
    between.peer.reset();
    events.run();
    if (received.size() != text.size()) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * state.range());
}
BENCHMARK(up_to_the_end)->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 20)->Arg(1 << 23);

}  // namespace
