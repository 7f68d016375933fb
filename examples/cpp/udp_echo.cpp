// Sends each datagram back to where it came from, until one says "quit".
//   udp_echo [PORT]      then, elsewhere: nc -u 127.0.0.1 PORT

#include <array>
#include <copas/copas.hpp>
#include <cstdlib>
#include <iostream>
#include <string_view>

copas::task<> echo(copas::udp_socket server) {
  std::array<std::byte, 2048> space;
  for (;;) {
    const auto received = co_await server.receive_from(space);
    if (!received) co_return;
    const std::string_view text{reinterpret_cast<const char*>(space.data()), received.bytes};
    if (text == "quit" || text == "quit\n") co_return;
    static_cast<void>(co_await server.send_to(text, received.sender));  // what is lost is lost
  }
}

int main(int count, char** arguments) {
  const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 0);
  copas::loop events{copas::system_reactor()};
  auto server = copas::udp_socket::bind(events, "127.0.0.1", port).value();
  std::cout << "receiving " << server.local()->port() << std::endl;

  events.spawn(echo(std::move(server)));
  events.run();
}
