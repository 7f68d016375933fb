// How late the timers of other tasks are while a look-up takes long: 100 tasks that sleep a millisecond again and again, for
// as long without a look-up, and for as long as the answer of a name server takes, which is a task of the same loop.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/figures.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/net/resolver.hpp"
#include "copas/net/udp.hpp"

namespace {

using namespace std::chrono_literals;
using lateness = std::vector<std::chrono::nanoseconds>;

constexpr int sleepers = 100;

// Answers the first question with 127.0.0.1.
copas::task<> answer_late(copas::loop& home, copas::udp_socket server, std::chrono::milliseconds patience) {
  std::array<std::byte, 1500> question{};
  const auto received = co_await server.receive_from(question);
  figures::require(received && received.bytes > 12, "a question for the name server");
  co_await copas::sleep_for(home, patience);
  std::string answer{reinterpret_cast<const char*>(question.data()), received.bytes};
  answer[2] = '\x81';
  answer[3] = '\x80';
  answer[7] = 1;  // one answer, whose name is that of the question
  constexpr char address[] = {'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
  answer.append(address, sizeof address);
  static_cast<void>(co_await server.send_to(answer, received.sender));
}

copas::task<> look_up(copas::loop& home) {
  auto lookup = copas::resolver::of(home).look_up({"slow.test", "80", copas::family::inet4});
  const auto found = co_await lookup;
  figures::require(found.has_value(), "a look-up that was answered");
}

copas::task<> wait(copas::loop& home, std::chrono::milliseconds patience) { co_await copas::sleep_for(home, patience); }

copas::task<> sleep_again_and_again(copas::loop& home, lateness& late) {
  for (;;) {
    const copas::deadline due = home.io().now() + 1ms;
    co_await copas::sleep_until(home, due);
    late.push_back(home.io().now() - due);
  }
}

copas::task<> cancel_after(copas::task<> body, copas::scope& others) {
  co_await std::move(body);
  others.cancel();
}

// What the timers of others do while `body` runs.
void measure(copas::loop& home, const std::string& name, copas::task<> body) {
  lateness late;
  copas::scope others{home};
  for (int count = 0; count < sleepers; ++count) others.spawn(sleep_again_and_again(home, late));
  home.spawn(cancel_after(std::move(body), others));
  home.run();

  figures::require(!late.empty(), "timers that fired");
  std::ranges::sort(late);
  const auto part = [&](double of_all) {
    const auto index = static_cast<std::size_t>(of_all * static_cast<double>(late.size() - 1));
    return std::chrono::duration<double, std::micro>{late[index]}.count();
  };
  figures::print((name + "-median").c_str(), part(0.5), "us");
  figures::print((name + "-99%").c_str(), part(0.99), "us");
  figures::print((name + "-latest").c_str(), part(1), "us");
}

}  // namespace

int main(int count, char** arguments) {
  const std::chrono::milliseconds patience{figures::argument(count, arguments, 2000)};
  copas::loop home{copas::system_reactor()};
  auto server = copas::udp_socket::bind(home, "127.0.0.1", 0).value();
  copas::resolver_options how;
  how.servers = {server.local().value()};
  how.domains.emplace();
  copas::resolver::of(home).set_options(how);

  measure(home, "none", wait(home, patience));
  home.spawn(answer_late(home, std::move(server), patience));
  measure(home, "slow", look_up(home));
}
