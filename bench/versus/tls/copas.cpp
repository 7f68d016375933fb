// The encrypted line echo server on our C++ library.

#include <copas/copas.hpp>
#include <copas/tls/tls_stream.hpp>
#include <iostream>
#include <string>
#include <utility>

namespace {

copas::task<> echo(copas::loop& events, copas::tls::context_ptr context, copas::tcp_stream plain) {
  plain.set_option(copas::option::no_delay, true);
  auto client = co_await copas::tls::secure(events, std::move(context), std::move(plain));
  if (!client) co_return;
  std::string line;
  while (co_await client->receive_line(line)) {
    line += '\n';
    if (!co_await client->send(line)) break;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  copas::loop events{copas::system_reactor()};
  copas::tls::parameters wanted;
  wanted.mode = copas::tls::role::server;
  wanted.keys = {{arguments[2], arguments[3], {}}};
  const auto context = copas::tls::make_context(wanted);
  auto server = copas::tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::cout << "listening " << server.local()->port() << '\n' << std::flush;

  events.spawn(
      copas::serve(events, server, [&](copas::tcp_stream plain) { return echo(events, context, std::move(plain)); }));
  events.run();
}
