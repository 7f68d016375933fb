// The echo server on our C++ library, as examples/cpp/echo.cpp has it: one task for each connection. With `blocks` it
// sends back whatever comes.

#include <array>
#include <copas/copas.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace {

copas::task<> echo(copas::tcp_stream client) {
  client.set_option(copas::option::no_delay, true);
  std::string line;
  while (co_await client.receive_line(line)) {
    if (line == "quit") break;
    line += '\n';
    if (!co_await client.send(line)) break;
  }
}

copas::task<> echo_blocks(copas::tcp_stream client) {
  client.set_option(copas::option::no_delay, true);
  std::array<std::byte, 1024> space;
  while (const auto received = co_await client.receive(space)) {
    if (!co_await client.send({reinterpret_cast<const char*>(space.data()), received.bytes})) break;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 0);
  const bool blocks = count > 2 && std::string_view{arguments[2]} == "blocks";
  copas::loop events{copas::system_reactor()};
  auto server = copas::tcp_listener::bind(events, "127.0.0.1", port).value();
  std::cout << "listening " << server.local()->port() << '\n' << std::flush;

  events.spawn(copas::serve(events, server, blocks ? echo_blocks : echo));
  events.run();
}
