#include <chrono>
#include <copas/copas.hpp>
#include <iostream>

static copas::task<> greet(copas::loop& events) {
  co_await copas::sleep_for(events, std::chrono::milliseconds{1});
  std::cout << "hello" << std::endl;
}

int main() {
  copas::loop events{copas::system_reactor()};
  events.spawn(greet(events));
  events.run();
}
