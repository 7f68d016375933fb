#include "copas/net/tcp.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "support/allocation_counter.hpp"
#include "support/peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class TcpStream : public world_test {
 public:
  connected_pair pair = make_connection();
  tcp_stream wire{events, std::move(pair.ours)};
  peer& theirs = pair.theirs;
  std::string text;
};
INSTANTIATE_TEST_SUITE_P(Worlds, TcpStream, every_world, name_of_world);

TEST_P(TcpStream, ReceivesLinesNumbersOfBytesAndTheRest) {
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await wire.receive_line(text)).bytes, 3U);
    EXPECT_EQ(text, "one");
    EXPECT_TRUE(co_await wire.receive_exactly(text, 4));
    EXPECT_EQ(text, "two\r");
    EXPECT_TRUE(co_await wire.receive_all(text));
    EXPECT_EQ(text, "\nthree");
    EXPECT_EQ((co_await wire.receive_all(text)).error, errc::closed);
    EXPECT_EQ(text, "");
  };
  theirs.send("one\r\ntwo\r\nthree");
  theirs.shutdown();

  run(events, body());
}

TEST_P(TcpStream, SendsWhatItHasReceivedIntoAnArray) {
  std::array<std::byte, 3> bytes;
  std::array<char, 8> characters;
  auto body = [&]() -> task<> {
    for (std::size_t echoed = 0; echoed < 3;) {
      const transfer got = co_await wire.receive(std::span{bytes}.subspan(echoed));
      EXPECT_TRUE(got);
      EXPECT_TRUE(co_await wire.send(std::span{bytes}.subspan(echoed, got.bytes)));
      echoed += got.bytes;
    }
    while (const transfer got = co_await wire.receive(characters)) text.append(characters.data(), got.bytes);
  };
  theirs.send("onetwo");
  theirs.shutdown();

  run(events, body());

  EXPECT_EQ(theirs.receive(3), "one");
  EXPECT_EQ(text, "two");
}

TEST_P(TcpStream, FillsAnEmptyArrayAtOnce) {
  auto body = [&]() -> task<> {
    for (const bool has_more : {false, true}) {
      if (has_more) theirs.send("x\n");
      const transfer nothing = co_await wire.receive(std::span<std::byte>{});
      EXPECT_TRUE(nothing);
      EXPECT_EQ(nothing.bytes, 0U);
    }
    EXPECT_TRUE(co_await wire.receive_line(text));
  };

  run(events, body());

  EXPECT_EQ(text, "x");
}

TEST_P(TcpStream, ReplacesWhatTheStringHeld) {
  text = "something older";
  auto body = [&]() -> task<> { EXPECT_TRUE(co_await wire.receive_line(text)); };
  theirs.send("x\n");

  run(events, body());

  EXPECT_EQ(text, "x");
}

TEST_P(TcpStream, PutsAPartIntoTheStringAtTheDeadline) {
  auto body = [&]() -> task<> {
    const transfer got = co_await wire.receive_line(text, events.io().now() + 5ms);
    EXPECT_EQ(got.error, errc::timed_out);
    EXPECT_EQ(got.bytes, 4U);
  };
  theirs.send("part");

  run(events, body());

  EXPECT_EQ(text, "part");
}

TEST_P(TcpStream, SendsAndEndsItsSide) {
  auto body = [&]() -> task<> {
    EXPECT_TRUE(co_await wire.send("hello"));
    wire.shutdown_send();
    EXPECT_TRUE(co_await wire.receive_line(text));
  };
  theirs.send("still listening\n");

  run(events, body());

  EXPECT_EQ(theirs.receive_all(), "hello");
  EXPECT_EQ(text, "still listening");
}

TEST_P(TcpStream, KnowsBothEnds) {
  EXPECT_EQ(wire.peer()->port(), theirs.port());
  EXPECT_EQ(wire.peer()->host(), "127.0.0.1");
  EXPECT_EQ(wire.local()->host(), "127.0.0.1");

  wire.close();

  EXPECT_EQ(wire.peer().error(), system_error(EBADF));
}

TEST_P(TcpStream, ClosesTheConnectionWhenItIsDestroyed) {
  {
    const tcp_stream moved = std::move(wire);
  }

  EXPECT_EQ(theirs.receive_all(), "");
}

TEST_P(TcpStream, EndsWhatWaitsOnItWhenItIsDestroyed) {
  std::error_code why;
  auto reader = [&](tcp_stream& from) -> task<> { why = (co_await from.receive_line(text)).error; };
  auto owned = std::make_unique<tcp_stream>(std::move(wire));
  events.spawn(reader(*owned));
  settle(events);

  owned.reset();
  events.run();

  EXPECT_EQ(why, errc::closed);
}

TEST_P(TcpStream, EndsWhatWaitsOnTheOneThatIsAssignedTo) {
  std::error_code why;
  auto reader = [&]() -> task<> { why = (co_await wire.receive_line(text)).error; };
  events.spawn(reader());
  settle(events);
  connected_pair other = make_connection();

  wire = tcp_stream{events, std::move(other.ours)};
  events.run();

  EXPECT_EQ(why, errc::closed);
  EXPECT_EQ(theirs.receive_all(), "");
  other.theirs.send("x");
}

TEST_P(TcpStream, MayOutliveItsLoop) {
  auto own = std::make_unique<loop>(make_reactor(GetParam()));
  connected_pair other = make_connection();
  tcp_stream late{*own, std::move(other.ours)};
  auto reader = [&]() -> task<> { static_cast<void>(co_await late.receive_line(text)); };
  own->spawn(reader());
  settle(*own);

  own.reset();
  late.close();

  EXPECT_EQ(other.theirs.receive_all(), "");
}

#if COPAS_HAS_MEMORY_POOLS
class TcpStreamAtOnce : public TcpStream {};  // the hostile reactor allocates
INSTANTIATE_TEST_SUITE_P(Worlds, TcpStreamAtOnce, ::testing::Values(world::plain), name_of_world);

TEST_P(TcpStreamAtOnce, ReceivesLinesWithoutAllocating) {
  const std::string request = "a line that does not fit into a short string\n";
  auto echo = [&]() -> task<> {
    while (co_await wire.receive_line(text)) {
      text += '\n';
      if (!co_await wire.send(text)) break;
    }
  };
  events.spawn(echo());
  for (int count = 0; count < 3; ++count) {
    theirs.send(request);
    settle(events);
  }
  std::array<char, 1000> space{};
  EXPECT_EQ(::recv(theirs.fd(), space.data(), 3 * request.size(), MSG_WAITALL),
            static_cast<ssize_t>(3 * request.size()));
  const std::size_t before = allocations();

  for (int count = 0; count < 100; ++count) {
    theirs.send(request);
    events.turn();
    EXPECT_EQ(::recv(theirs.fd(), space.data(), space.size(), 0), static_cast<ssize_t>(request.size()));
  }

  EXPECT_EQ(allocations() - before, 0U);
}
#endif

class TcpListener : public world_test {
 public:
  tcp_listener at = tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::uint16_t port = at.local()->port();
};
INSTANTIATE_TEST_SUITE_P(Worlds, TcpListener, every_world, name_of_world);

TEST_P(TcpListener, ListensWhereItWasTold) {
  EXPECT_EQ(at.local()->host(), "127.0.0.1");
  EXPECT_NE(port, 0);
}

TEST_P(TcpListener, AcceptsAConnection) {
  peer client = peer::connect(port);
  auto body = [&]() -> task<> {
    auto connection = co_await at.accept();
    EXPECT_TRUE(connection);
    if (!connection) co_return;
    EXPECT_EQ(connection->peer()->port(), client.port());
    EXPECT_TRUE(co_await connection->send("welcome"));
  };

  run(events, body());

  EXPECT_EQ(client.receive_all(), "welcome");
}

TEST_P(TcpListener, WaitsForAConnection) {
  bool accepted = false;
  auto body = [&]() -> task<> { accepted = (co_await at.accept()).has_value(); };
  events.spawn(body());
  settle(events);
  EXPECT_FALSE(accepted);

  const peer client = peer::connect(port);
  events.run();

  EXPECT_TRUE(accepted);
}

TEST_P(TcpListener, EndsAnAcceptWhenItIsClosed) {
  std::error_code why;
  auto body = [&]() -> task<> { why = (co_await at.accept()).error(); };
  events.spawn(body());
  settle(events);

  at.close();
  events.run();

  EXPECT_EQ(why, errc::closed);
}

TEST_P(TcpListener, EndsAnAcceptWhenItIsDestroyed) {
  std::error_code why;
  auto own = std::make_unique<tcp_listener>(std::move(at));
  auto body = [&]() -> task<> { why = (co_await own->accept()).error(); };
  events.spawn(body());
  settle(events);

  own.reset();
  events.run();

  EXPECT_EQ(why, errc::closed);
  EXPECT_THROW(peer::connect(port), std::system_error);
}

TEST_P(TcpListener, ReportsThatThePortIsTaken) {
  const auto second = tcp_listener::bind(events, "127.0.0.1", port);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), system_error(EADDRINUSE));
}

TEST_P(TcpListener, ReportsThatAnAddressIsNotOfThisMachine) {
  const auto elsewhere = tcp_listener::bind(events, "192.0.2.17", 0);

  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error(), system_error(EADDRNOTAVAIL));
}

TEST_P(TcpListener, ReportsThatAHostIsUnknown) {
  const auto nowhere = tcp_listener::bind(events, "not a name", 0);

  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().category(), resolver_category());
}

TEST_P(TcpListener, ListensEverywhereWithoutAHost) {
  for (const std::string host : {"", "*"}) {
    const auto anywhere = tcp_listener::bind(events, host, 0);

    ASSERT_TRUE(anywhere);
    EXPECT_EQ(anywhere->local()->host(), "0.0.0.0");
    const peer client = peer::connect(anywhere->local()->port());
  }
}

TEST_P(TcpListener, ListensOnIPv6) {
  auto sixth = tcp_listener::bind(events, "::1", 0);
  if (!sixth) GTEST_SKIP() << "no IPv6 here: " << sixth.error().message();
  const peer client = peer::connect(sixth->local()->port(), "::1");
  auto body = [&]() -> task<> {
    const auto connection = co_await sixth->accept();
    EXPECT_TRUE(connection);
    if (!connection) co_return;
    EXPECT_EQ(connection->peer()->family(), family::inet6);
  };

  run(events, body());
}

TEST_P(TcpListener, UsesAPortAgainWhoseOldConnectionsLinger) {
  auto body = [&]() -> task<> {
    const peer client = peer::connect(port);
    const auto connection = co_await at.accept();  // closed by this side first: it lingers
  };
  run(events, body());
  at.close();

  EXPECT_TRUE(tcp_listener::bind(events, "127.0.0.1", port));
}

}  // namespace
}  // namespace copas
