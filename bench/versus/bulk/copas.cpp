// Sends or receives a lot, on our C++ library, plain or encrypted.
//   bulk-copas 0 send|receive BYTES [CERTIFICATE KEY]

#include <algorithm>
#include <copas/copas.hpp>
#include <copas/tls/tls_stream.hpp>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace {

struct job {
  bool sends;
  std::uint64_t bytes;
};

constexpr std::size_t block = std::size_t{64} * 1024;

copas::task<> send_bytes(copas::tcp_stream& to, std::uint64_t left) {
  std::string line;
  do {
    if (!co_await to.receive_line(line)) co_return;
  } while (!line.empty());
  const std::string text(block, 'x');
  while (left > 0) {
    const auto sent = co_await to.send(std::string_view{text}.substr(0, std::min<std::uint64_t>(left, block)));
    if (!sent) co_return;
    left -= sent.bytes;
  }
}

copas::task<> receive_bytes(copas::tcp_stream& from, std::uint64_t left) {
  std::string space(block, '\0');
  while (left > 0) {
    const auto received = co_await from.receive(std::as_writable_bytes(std::span{space}));
    if (!received) co_return;
    left -= received.bytes;
  }
  static_cast<void>(co_await from.send("done\n"));
}

copas::task<> serve(copas::loop& events, copas::tls::context_ptr security, job what, copas::tcp_stream client) {
  client.set_option(copas::option::no_delay, true);
  if (security) {
    auto secured = co_await copas::tls::secure(events, std::move(security), std::move(client));
    if (!secured) co_return;
    co_await (what.sends ? send_bytes(*secured, what.bytes) : receive_bytes(*secured, what.bytes));
  } else {
    co_await (what.sends ? send_bytes(client, what.bytes) : receive_bytes(client, what.bytes));
  }
}

copas::tls::context_ptr context_of(const char* certificate, const char* key) {
  copas::tls::parameters wanted;
  wanted.mode = copas::tls::role::server;
  wanted.keys = {{certificate, key, {}}};
  return copas::tls::make_context(wanted);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  copas::loop events{copas::system_reactor()};
  const auto security = count > 5 ? context_of(arguments[4], arguments[5]) : copas::tls::context_ptr{};
  const job what{std::string_view{arguments[2]} == "send", std::strtoull(arguments[3], nullptr, 10)};
  auto server = copas::tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::cout << "listening " << server.local()->port() << '\n' << std::flush;

  events.spawn(copas::serve(
      events, server, [&](copas::tcp_stream client) { return serve(events, security, what, std::move(client)); }));
  events.run();
}
