// The encrypted line echo server on Asio with C++20 coroutines, as its examples of ssl and of coroutines have it:
// async_handshake, async_read_until into a dynamic buffer, async_write. Set up as Asio documents for programs of one
// thread.
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using stream = asio::ssl::stream<tcp::socket>;

awaitable<void> echo(stream client) {
  try {
    co_await client.async_handshake(asio::ssl::stream_base::server, use_awaitable);
    for (std::string received;;) {
      const auto size = co_await asio::async_read_until(client, asio::dynamic_buffer(received), '\n', use_awaitable);
      co_await asio::async_write(client, asio::buffer(received, size), use_awaitable);
      received.erase(0, size);
    }
  } catch (const std::system_error&) {
    // The peer has gone.
  }
}

awaitable<void> listen(tcp::acceptor acceptor, asio::ssl::context& security) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay{true});
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, echo(stream{std::move(socket), security}), asio::detached);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  try {
    asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
    asio::ssl::context security{asio::ssl::context::tls_server};
    security.use_certificate_chain_file(arguments[2]);
    security.use_private_key_file(arguments[3], asio::ssl::context::pem);
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    std::printf("listening %u\n", unsigned{acceptor.local_endpoint().port()});
    std::fflush(stdout);
    asio::co_spawn(context, listen(std::move(acceptor), security), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tls-asio: %s\n", error.what());
    return 1;
  }
}
