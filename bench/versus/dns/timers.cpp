// How late the timers of other tasks are while a look-up takes two seconds: 100 tasks that sleep a millisecond again and
// again, for two seconds without a look-up, and for as long as one takes that a name server of this program answers late.
//
//   dns-timers            prints both, as the bar wants it
//   dns-timers --serve    is the name server only, and prints its port: for timers.lua
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "copas/copas.hpp"

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 2s;
constexpr int sleepers = 100;

// Answers every question with 127.0.0.1, late; in a thread of its own, or in a process.
class late_server {
 public:
  late_server() : fd_{::socket(AF_INET, SOCK_DGRAM, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    socklen_t length = sizeof at;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length);
    port_ = ntohs(at.sin_port);
  }
  late_server(const late_server&) = delete;
  late_server& operator=(const late_server&) = delete;
  ~late_server() { ::close(fd_); }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  void answer(int questions) const {
    for (; questions != 0; --questions) {
      char message[1500];
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const auto size = ::recvfrom(fd_, message, sizeof message, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 12) return;
      std::this_thread::sleep_for(patience);
      std::string reply{message, static_cast<std::size_t>(size)};
      reply[2] = static_cast<char>(0x81);
      reply[3] = static_cast<char>(0x80);
      reply[7] = 1;  // one answer, whose name is that of the question
      constexpr char address[] = {'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
      reply.append(address, sizeof address);
      ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
    }
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

using lateness = std::vector<std::chrono::nanoseconds>;

copas::task<> sleep_again_and_again(copas::loop& events, lateness& late) {
  for (;;) {
    const copas::deadline due = events.io().now() + 1ms;
    co_await copas::sleep_until(events, due);
    late.push_back(events.io().now() - due);
  }
}

// What the timers of others do while `body` runs.
lateness measure(copas::loop& events, copas::task<> body) {
  lateness late;
  late.reserve(sleepers * 3000);
  copas::scope others{events};
  for (int count = 0; count < sleepers; ++count) others.spawn(sleep_again_and_again(events, late));
  auto until_then = [](copas::task<> inner, copas::scope& ended) -> copas::task<> {
    co_await std::move(inner);
    ended.cancel();
  };
  events.spawn(until_then(std::move(body), others));
  events.run();
  return late;
}

void print(const char* what, lateness late) {
  std::ranges::sort(late);
  const auto at = [&](double part) {
    const auto index = static_cast<std::size_t>(part * static_cast<double>(late.size() - 1));
    return std::chrono::duration<double, std::milli>{late[index]}.count();
  };
  std::printf(
      "%-22s %8zu timers of 1 ms; late by %.3f ms (median), %.3f ms (99 %%), %.3f ms (99.9 %%), %.3f ms (most)\n", what,
      late.size(), at(0.5), at(0.99), at(0.999), at(1.0));
}

copas::task<> look_up(copas::loop& events) {
  auto lookup = copas::resolver::of(events).look_up({"slow.test", "80", copas::family::inet4});
  const auto found = co_await lookup;
  if (!found) std::fprintf(stderr, "the look-up failed: %s\n", found.error().message().c_str());
}

copas::task<> wait(copas::loop& events) { co_await copas::sleep_for(events, patience); }

}  // namespace

int main(int count, char** words) {
  const late_server server;
  if (count > 1 && std::string_view{words[1]} == "--serve") {
    std::printf("%d\n", server.port());
    std::fflush(stdout);
    server.answer(-1);
    return 0;
  }
  copas::loop events{copas::system_reactor()};
  copas::resolver_options how;
  how.servers = {copas::address::parse("127.0.0.1", server.port()).value()};
  how.domains.emplace();
  copas::resolver::of(events).set_options(how);

  print("nothing looked up", measure(events, wait(events)));
  std::thread answering{[&] { server.answer(1); }};
  print("a look-up of 2 s", measure(events, look_up(events)));
  answering.join();
}
