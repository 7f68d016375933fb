// The UDP echo server on Asio with C++20 coroutines: async_receive_from and async_send_to, as in Asio's tutorial and
// its example echo/async_udp_echo_server.cpp. Set up as Asio documents for programs of one thread.
#include <array>
#include <asio.hpp>
#include <cstdio>
#include <utility>

namespace {

using asio::use_awaitable;
using asio::ip::udp;

asio::awaitable<void> echo(udp::socket socket) {
  std::array<char, 2048> space;
  for (udp::endpoint sender;;) {
    const auto size = co_await socket.async_receive_from(asio::buffer(space), sender, use_awaitable);
    co_await socket.async_send_to(asio::buffer(space, size), sender, use_awaitable);
  }
}

}  // namespace

int main() {
  asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
  udp::socket socket{context, {asio::ip::address_v4::loopback(), 0}};
  std::printf("listening %u\n", unsigned{socket.local_endpoint().port()});
  std::fflush(stdout);
  asio::co_spawn(context, echo(std::move(socket)), asio::detached);
  context.run();
}
