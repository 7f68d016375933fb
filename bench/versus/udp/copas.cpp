// The UDP echo server on our C++ library, as examples/cpp/udp_echo.cpp has it.

#include <array>
#include <copas/copas.hpp>
#include <iostream>
#include <string_view>

namespace {

copas::task<> echo(copas::udp_socket server) {
  std::array<std::byte, 2048> space;
  for (;;) {
    const auto received = co_await server.receive_from(space);
    if (!received) co_return;
    const std::string_view text{reinterpret_cast<const char*>(space.data()), received.bytes};
    static_cast<void>(co_await server.send_to(text, received.sender));  // what is lost is lost
  }
}

}  // namespace

int main() {
  copas::loop events{copas::system_reactor()};
  auto server = copas::udp_socket::bind(events, "127.0.0.1", 0).value();
  std::cout << "listening " << server.local()->port() << std::endl;

  events.spawn(echo(std::move(server)));
  events.run();
}
