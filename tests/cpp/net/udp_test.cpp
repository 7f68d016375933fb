#include "copas/net/udp.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/allocation_counter.hpp"
#include "support/datagram_peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;

// What a receive came to.
struct mail {
  std::string bytes;
  std::error_code error;
  address sender;
  bool truncated = false;
};

task<mail> receive_from(udp_socket& from, deadline until = never, std::size_t room = 2000) {
  std::vector<std::byte> space(room);
  const datagram_from<address> got = co_await from.receive_from(space, until);
  co_return mail{.bytes = std::string{reinterpret_cast<const char*>(space.data()), got.bytes},
                 .error = got.error,
                 .sender = got.sender,
                 .truncated = got.truncated};
}

task<mail> receive(udp_socket& from, deadline until = never) {
  std::vector<std::byte> space(2000);
  const datagram got = co_await from.receive(space, until);
  co_return mail{.bytes = std::string{reinterpret_cast<const char*>(space.data()), got.bytes},
                 .error = got.error,
                 .sender = {},
                 .truncated = got.truncated};
}

class UdpSocket : public world_test {
 public:
  udp_socket ours = udp_socket::bind(events, "127.0.0.1", 0).value();
  std::uint16_t port = ours.local()->port();
  datagram_peer theirs;
  address to_theirs = address::parse("127.0.0.1", theirs.port()).value();
};
INSTANTIATE_TEST_SUITE_P(Worlds, UdpSocket, every_world, name_of_world);

TEST_P(UdpSocket, ReceivesDatagramsWithTheirSenders) {
  theirs.send_to(port, "one");
  theirs.send_to(port, "two");

  const mail first = run(events, receive_from(ours));
  const mail second = run(events, receive_from(ours));

  EXPECT_EQ(first.bytes, "one");
  EXPECT_EQ(first.sender, to_theirs);
  EXPECT_EQ(first.sender.host(), "127.0.0.1");
  EXPECT_EQ(second.bytes, "two");
}

TEST_P(UdpSocket, SendsWhatItHasReceivedIntoAnArray) {
  std::array<std::byte, 100> bytes;
  std::array<char, 100> characters;
  auto body = [&]() -> task<> {
    const auto first = co_await ours.receive_from(bytes);
    EXPECT_TRUE(co_await ours.send_to(std::span{bytes}.first(first.bytes), first.sender));
    const auto second = co_await ours.receive_from(characters);
    EXPECT_EQ((std::string_view{characters.data(), second.bytes}), "two");
  };
  theirs.send_to(port, "one");
  theirs.send_to(port, "two");

  run(events, body());

  EXPECT_EQ(theirs.receive(), "one");
}

TEST_P(UdpSocket, WaitsForADatagram) {
  mail got;
  auto body = [&]() -> task<> { got = co_await receive_from(ours); };
  events.spawn(body());
  settle(events);

  theirs.send_to(port, "late");
  events.run();

  EXPECT_EQ(got.bytes, "late");
}

TEST_P(UdpSocket, ServesSeveralReceiversInTheirOrder) {
  std::vector<std::string> log;
  auto body = [&](std::string name) -> task<> { log.push_back(name + (co_await receive_from(ours)).bytes); };
  for (const char* name : {"a", "b", "c"}) events.spawn(body(name));
  settle(events);

  for (const char* bytes : {"1", "2", "3"}) theirs.send_to(port, bytes);
  events.run();

  EXPECT_THAT(log, ElementsAre("a1", "b2", "c3"));
}

TEST_P(UdpSocket, KeepsDatagramsWhole) {
  const std::string large(40000, 'x');
  theirs.send_to(port, large);
  theirs.send_to(port, "");
  theirs.send_to(port, "end");

  const mail first = run(events, receive_from(ours, never, 65536));
  const mail second = run(events, receive_from(ours));
  const mail third = run(events, receive_from(ours));

  EXPECT_EQ(first.bytes, large);
  EXPECT_FALSE(first.truncated);
  EXPECT_EQ(second.bytes, "");
  EXPECT_FALSE(second.error);
  EXPECT_EQ(third.bytes, "end");
}

TEST_P(UdpSocket, CutsWhatDoesNotFit) {
  theirs.send_to(port, "12345");
  theirs.send_to(port, "678");

  const mail first = run(events, receive_from(ours, never, 3));
  const mail second = run(events, receive_from(ours, never, 3));

  EXPECT_EQ(first.bytes, "123");
  EXPECT_TRUE(first.truncated);
  EXPECT_EQ(second.bytes, "678");
  EXPECT_FALSE(second.truncated);
}

TEST_P(UdpSocket, GivesUpAtTheDeadline) {
  const mail got = run(events, receive_from(ours, events.io().now() + 5ms));

  EXPECT_EQ(got.error, errc::timed_out);
}

TEST_P(UdpSocket, SendsToAnAddress) {
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await ours.send_to("hello", to_theirs)).bytes, 5U);
    EXPECT_TRUE(co_await ours.send_to("", to_theirs));
  };

  run(events, body());

  std::uint16_t sender = 0;
  EXPECT_EQ(theirs.receive(&sender), "hello");
  EXPECT_EQ(sender, port);
  EXPECT_EQ(theirs.receive(), "");
}

TEST_P(UdpSocket, SendsAndReceivesWithoutAnAddressOfItsOwn) {
  auto anonymous = udp_socket::open(events).value();
  auto body = [&]() -> task<> { EXPECT_TRUE(co_await anonymous.send_to("question", to_theirs)); };

  run(events, body());
  std::uint16_t sender = 0;
  EXPECT_EQ(theirs.receive(&sender), "question");
  theirs.send_to(sender, "answer");

  EXPECT_EQ(run(events, receive_from(anonymous)).bytes, "answer");
}

TEST_P(UdpSocket, TalksToItsPeerOnly) {
  auto connected = run(events, udp_socket::connect(events, "127.0.0.1", theirs.port())).value();
  datagram_peer stranger;
  auto body = [&]() -> task<> { EXPECT_EQ((co_await connected.send("hello")).bytes, 5U); };
  run(events, body());
  EXPECT_EQ(theirs.receive(), "hello");

  stranger.send_to(connected.local()->port(), "from a stranger");
  theirs.send_to(connected.local()->port(), "from the peer");

  EXPECT_EQ(run(events, receive(connected)).bytes, "from the peer");
  EXPECT_EQ(*connected.peer(), to_theirs);
}

TEST_P(UdpSocket, LearnsThatNobodyIsThere) {
  auto connected = run(events, udp_socket::connect(events, "127.0.0.1", theirs.port())).value();
  theirs.close();
  auto body = [&]() -> task<> { EXPECT_TRUE(co_await connected.send("hello")); };
  run(events, body());

  EXPECT_EQ(run(events, receive(connected)).error, system_error(ECONNREFUSED));
}

TEST_P(UdpSocket, ReportsADatagramThatIsTooLong) {
  const std::string huge(70000, 'x');
  auto body = [&]() -> task<> { EXPECT_EQ((co_await ours.send_to(huge, to_theirs)).error, system_error(EMSGSIZE)); };

  run(events, body());
}

TEST_P(UdpSocket, EndsWhatWaitsOnItWhenItIsClosed) {
  std::vector<std::error_code> errors;
  auto body = [&]() -> task<> { errors.push_back((co_await receive_from(ours)).error); };
  for (int count = 0; count < 3; ++count) events.spawn(body());
  settle(events);

  ours.close();
  events.run();

  EXPECT_THAT(errors, ElementsAre(errc::closed, errc::closed, errc::closed));
}

TEST_P(UdpSocket, EndsWhatWaitsOnItWhenItIsDestroyedOrAssignedTo) {
  std::vector<std::error_code> errors;
  auto body = [&](udp_socket& from) -> task<> {
    std::array<std::byte, 10> space;
    auto receiving = from.receive(space);  // `from` is gone when it ends
    errors.push_back((co_await receiving).error);
  };
  auto owned = std::make_unique<udp_socket>(udp_socket::open(events).value());
  events.spawn(body(*owned));
  events.spawn(body(ours));
  settle(events);

  owned.reset();
  ours = udp_socket::open(events).value();
  events.run();

  EXPECT_THAT(errors, ElementsAre(errc::closed, errc::closed));
}

TEST_P(UdpSocket, TalksIPv6) {
  auto sixth = udp_socket::bind(events, "::1", 0);
  if (!sixth) GTEST_SKIP() << "no IPv6 here: " << sixth.error().message();
  datagram_peer other{"::1"};
  other.send_to(sixth->local()->port(), "hello");

  const mail got = run(events, receive_from(*sixth));
  auto body = [&]() -> task<> { EXPECT_TRUE(co_await sixth->send_to("hi", got.sender)); };
  run(events, body());

  EXPECT_EQ(got.sender.host(), "::1");
  EXPECT_EQ(got.sender.port(), other.port());
  EXPECT_EQ(other.receive(), "hi");
}

TEST_P(UdpSocket, ReceivesEverywhereWithoutAHost) {
  for (const std::string host : {"", "*"}) {
    auto anywhere = udp_socket::bind(events, host, 0).value();
    theirs.send_to(anywhere.local()->port(), "hello");

    EXPECT_EQ(anywhere.local()->host(), "0.0.0.0");
    EXPECT_EQ(run(events, receive_from(anywhere)).bytes, "hello");
  }
}

TEST_P(UdpSocket, ReportsWhatItCannotHave) {
  EXPECT_EQ(udp_socket::bind(events, "127.0.0.1", port).error(), system_error(EADDRINUSE));
  EXPECT_EQ(udp_socket::bind(events, "192.0.2.17", 0).error(), system_error(EADDRNOTAVAIL));
  EXPECT_EQ(udp_socket::bind(events, "not a name", 0).error().category(), resolver_category());
  EXPECT_EQ(run(events, udp_socket::connect(events, "not a name", 1)).error().category(), resolver_category());
}

TEST_P(UdpSocket, DeliversWhatManySendersSend) {
  constexpr int count = 200;
  int received = 0;
  auto echo = [&]() -> task<> {
    std::array<std::byte, 100> space;
    while (received < count) {
      const auto got = co_await ours.receive_from(space);
      if (!got) co_return;
      ++received;
      const std::string_view text{reinterpret_cast<const char*>(space.data()), got.bytes};
      static_cast<void>(co_await ours.send_to(text, got.sender));
    }
  };
  auto ask = [&](int number) -> task<> {
    auto client = (co_await udp_socket::connect(events, "127.0.0.1", port)).value();
    const std::string question = std::to_string(number);
    EXPECT_TRUE(co_await client.send(question));
    EXPECT_EQ((co_await receive(client)).bytes, question);
  };
  events.spawn(echo());
  for (int number = 0; number < count; ++number) events.spawn(ask(number));

  events.run();

  EXPECT_EQ(received, count);
}

#if COPAS_HAS_MEMORY_POOLS
class UdpSocketAtOnce : public UdpSocket {};  // the hostile reactor allocates
INSTANTIATE_TEST_SUITE_P(Worlds, UdpSocketAtOnce, ::testing::Values(world::plain), name_of_world);

TEST_P(UdpSocketAtOnce, EchoesWithoutAllocating) {
  auto echo = [&]() -> task<> {
    std::array<std::byte, 100> space;
    for (;;) {
      const auto got = co_await ours.receive_from(space);
      if (!got) co_return;
      const std::string_view text{reinterpret_cast<const char*>(space.data()), got.bytes};
      if (!co_await ours.send_to(text, got.sender)) co_return;
    }
  };
  events.spawn(echo());
  settle(events);
  theirs.send_to(port, "first");
  settle(events);
  std::size_t allocated = 0;

  for (int count = 0; count < 100; ++count) {
    theirs.send_to(port, "again");
    const std::size_t before = allocations();
    events.turn();
    allocated += allocations() - before;
  }

  EXPECT_EQ(allocated, 0U);
  for (int count = 0; count < 101; ++count) EXPECT_EQ(theirs.receive().size(), 5U);
}
#endif

// Addresses.

TEST(AddressOfADatagram, IsParsedFromText) {
  EXPECT_EQ(address::parse("127.0.0.1", 80)->host(), "127.0.0.1");
  EXPECT_EQ(address::parse("127.0.0.1", 80)->port(), 80);
  EXPECT_EQ(address::parse("::1", 80)->host(), "::1");
  EXPECT_EQ(address::parse("localhost", 80).error().category(), resolver_category());
  EXPECT_EQ(address::parse("", 80).error().category(), resolver_category());
}

TEST(AddressOfADatagram, EqualsItsLike) {
  EXPECT_EQ(address::parse("127.0.0.1", 80), address::parse("127.0.0.1", 80));
  EXPECT_NE(address::parse("127.0.0.1", 80), address::parse("127.0.0.1", 81));
  EXPECT_NE(address::parse("127.0.0.1", 80), address::parse("127.0.0.2", 80));
  EXPECT_NE(address::parse("127.0.0.1", 80), address::parse("::1", 80));
  EXPECT_EQ(address{}, address{});
}

}  // namespace
}  // namespace copas
