// The line echo server on Asio with C++20 coroutines, as in Asio's own examples coroutines_ts/echo_server.cpp and
// chat_server.cpp: a coroutine for each connection, async_read_until into a dynamic buffer, async_write. It
// is set up as Asio documents for programs of one thread: no locks (the concurrency hint), no atomic counters
// (ASIO_DISABLE_THREADS). With `blocks` it is echo_server.cpp itself: async_read_some, async_write.
#include <array>
#include <asio.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> echo(tcp::socket socket) {
  try {
    for (std::string received;;) {
      const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(received), '\n', use_awaitable);
      if (std::string_view{received}.substr(0, size) == "quit\n") co_return;
      co_await asio::async_write(socket, asio::buffer(received, size), use_awaitable);
      received.erase(0, size);
    }
  } catch (const std::system_error&) {
    // The peer has gone.
  }
}

awaitable<void> echo_blocks(tcp::socket socket) {
  try {
    for (std::array<char, 1024> received;;) {
      const auto size = co_await socket.async_read_some(asio::buffer(received), use_awaitable);
      co_await asio::async_write(socket, asio::buffer(received, size), use_awaitable);
    }
  } catch (const std::system_error&) {
    // The peer has gone.
  }
}

awaitable<void> listen(tcp::acceptor acceptor, awaitable<void> (*serve)(tcp::socket)) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay{true});
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, serve(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::uint16_t port = 0;
  if (count > 1) std::from_chars(arguments[1], arguments[1] + std::strlen(arguments[1]), port);
  try {
    asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), port}};
    std::printf("listening %u\n", unsigned{acceptor.local_endpoint().port()});
    std::fflush(stdout);
    const bool blocks = count > 2 && std::string_view{arguments[2]} == "blocks";
    asio::co_spawn(context, listen(std::move(acceptor), blocks ? echo_blocks : echo), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo-asio: %s\n", error.what());
    return 1;
  }
}
