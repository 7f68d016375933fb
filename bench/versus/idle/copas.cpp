// A server that nobody calls and a timer of a minute, on our C++ library.

#include <chrono>
#include <copas/copas.hpp>
#include <iostream>

namespace {

copas::task<> wait(copas::loop& events) { co_await copas::sleep_for(events, std::chrono::minutes{1}); }

copas::task<> serve(copas::tcp_stream) { co_return; }

}  // namespace

int main() {
  copas::loop events{copas::system_reactor()};
  auto server = copas::tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::cout << "listening " << server.local()->port() << '\n' << std::flush;

  events.spawn(wait(events));
  events.spawn(copas::serve(events, server, serve));
  events.run();
}
