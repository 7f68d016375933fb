// Sends or receives a lot, on Asio with C++20 coroutines: async_write, async_read_some, plain or by asio::ssl. Set up
// as Asio documents for programs of one thread.
//   bulk-asio 0 send|receive BYTES [CERTIFICATE KEY]
#include <algorithm>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

struct job {
  bool sends;
  std::uint64_t bytes;
};

constexpr std::size_t block = std::size_t{64} * 1024;

template <class Stream>
awaitable<void> do_job(Stream& client, job what) {
  std::string text;
  auto left = what.bytes;
  if (what.sends) {
    co_await asio::async_read_until(client, asio::dynamic_buffer(text), "\r\n\r\n", use_awaitable);
    text.assign(block, 'x');
    while (left > 0) {
      const auto size = std::min<std::uint64_t>(left, block);
      left -= co_await asio::async_write(client, asio::buffer(text, size), use_awaitable);
    }
  } else {
    text.resize(block);
    while (left > 0) left -= co_await client.async_read_some(asio::buffer(text), use_awaitable);
    co_await asio::async_write(client, asio::buffer("done\n", 5), use_awaitable);
  }
}

awaitable<void> serve(tcp::socket socket, job what, asio::ssl::context* security) {
  try {
    if (security == nullptr) {
      co_await do_job(socket, what);
    } else {
      asio::ssl::stream<tcp::socket> client{std::move(socket), *security};
      co_await client.async_handshake(asio::ssl::stream_base::server, use_awaitable);
      co_await do_job(client, what);
    }
  } catch (const std::system_error&) {
    // The peer has gone.
  }
}

awaitable<void> listen(tcp::acceptor acceptor, job what, asio::ssl::context* security) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay{true});
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, serve(std::move(socket), what, security), asio::detached);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  try {
    asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE};
    std::optional<asio::ssl::context> security;
    if (count > 5) {
      security.emplace(asio::ssl::context::tls_server);
      security->use_certificate_chain_file(arguments[4]);
      security->use_private_key_file(arguments[5], asio::ssl::context::pem);
    }
    const job what{std::string_view{arguments[2]} == "send", std::strtoull(arguments[3], nullptr, 10)};
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    std::printf("listening %u\n", unsigned{acceptor.local_endpoint().port()});
    std::fflush(stdout);
    asio::co_spawn(context, listen(std::move(acceptor), what, security ? &*security : nullptr), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bulk-asio: %s\n", error.what());
    return 1;
  }
}
