// The echo server on our C++ library, as examples/cpp/echo.cpp has it: one task for each connection.

#include <copas/copas.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

copas::task<> echo(copas::tcp_stream client) {
  std::string line;
  while (co_await client.receive_line(line)) {
    if (line == "quit") break;
    line += '\n';
    if (!co_await client.send(line)) break;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 0);
  copas::loop events{copas::system_reactor()};
  auto server = copas::tcp_listener::bind(events, "127.0.0.1", port).value();
  std::cout << "listening " << server.local()->port() << std::endl;

  events.spawn(copas::serve(events, server, echo));
  events.run();
}
