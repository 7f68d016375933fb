#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/net/tcp.hpp"
#include "support/descriptors.hpp"
#include "support/peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/silent_listener.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

address loopback(std::uint16_t port) { return address::parse("127.0.0.1", port).value(); }

class Connect : public world_test {
 public:
  // A plain operation, with addresses of the test's choice.
  task<std::error_code> attempt(ref<stream> socket, std::vector<address> candidates, deadline until = never) {
    connect_operation operation{&events, socket, std::move(candidates)};
    operation.set_deadline(until);
    co_return co_await operation;
  }
  // Fails the test when nothing can be sent over a connection.
  void expect_connected(const ref<stream>& socket, peer& theirs) {
    EXPECT_EQ(::send(socket->fd(), "hello", 5, MSG_NOSIGNAL), 5);
    EXPECT_EQ(theirs.receive(5), "hello");
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, Connect, every_world, name_of_world);

TEST_P(Connect, MakesAConnection) {
  const peer_listener at;
  auto client = [&]() -> task<> {
    auto connection = co_await connect(events, "127.0.0.1", at.port());
    EXPECT_TRUE(connection);
    if (!connection) co_return;
    std::string answer;
    EXPECT_TRUE(co_await connection->send("hello\n"));
    EXPECT_TRUE(co_await connection->receive_line(answer));
    EXPECT_EQ(answer, "hello yourself");
  };
  auto server = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    peer theirs = at.accept();
    EXPECT_EQ(theirs.receive_line(), "hello\n");
    theirs.send("hello yourself\n");
  };
  events.spawn(client());
  events.spawn(server());

  events.run();
}

TEST_P(Connect, ReportsThatNobodyListens) {
  const auto connection = run(events, connect(events, "127.0.0.1", closed_port()));

  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error(), system_error(ECONNREFUSED));
}

TEST_P(Connect, ReportsThatAHostIsUnknown) {
  const auto connection = run(events, connect(events, "not a name", 80));

  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().category(), resolver_category());
}

TEST_P(Connect, TakesTheNextAddressWhenTheFirstRefuses) {
  const peer_listener at;
  const ref<stream> socket{new stream{}};

  EXPECT_FALSE(run(events, attempt(socket, {loopback(closed_port()), loopback(closed_port()), loopback(at.port())})));

  peer theirs = at.accept();
  expect_connected(socket, theirs);
}

TEST_P(Connect, TakesTheNextAddressWhenTheFirstIsOfAFamilyThatIsRefused) {
  const auto v6 = address::parse("::1", closed_port());
  ASSERT_TRUE(v6);
  const peer_listener at;
  const ref<stream> socket{new stream{}};

  EXPECT_FALSE(run(events, attempt(socket, {*v6, loopback(at.port())})));

  peer theirs = at.accept();
  expect_connected(socket, theirs);
}

TEST_P(Connect, ReportsTheErrorOfTheLastAddress) {
  const address nowhere = address::parse("255.255.255.255", 80).value();
  const ref<stream> socket{new stream{}};

  EXPECT_EQ(run(events, attempt(socket, {nowhere, loopback(closed_port())})), system_error(ECONNREFUSED));
  EXPECT_NE(run(events, attempt(ref{new stream{}}, {loopback(closed_port()), nowhere})), system_error(ECONNREFUSED));
}

TEST_P(Connect, TakesTheNextAddressWithADescriptorThatItWasGiven) {
  const peer_listener at;
  const ref<stream> socket{new stream{open_tcp(family::inet4).value()}};
  const int fd = socket->fd();

  EXPECT_FALSE(run(events, attempt(socket, {loopback(closed_port()), loopback(at.port())})));

  EXPECT_EQ(socket->fd(), fd);
  peer theirs = at.accept();
  expect_connected(socket, theirs);
}

TEST_P(Connect, KeepsTheLocalAddressOfADescriptorThatItWasGiven) {
  const peer_listener at;
  const ref<stream> socket{new stream{open_tcp(family::inet4).value()}};
  ASSERT_FALSE(bind_to(socket->fd(), loopback(0)));
  const std::uint16_t port = local_address(socket->fd())->port();

  EXPECT_FALSE(run(events, attempt(socket, {loopback(at.port())})));

  EXPECT_EQ(local_address(socket->fd())->port(), port);
}

TEST_P(Connect, GivesUpAtTheDeadline) {
  const silent_listener at;
  const std::ptrdiff_t before = open_descriptors();

  const auto connection = run(events, connect(events, "127.0.0.1", at.port(), events.io().now() + 5s));

  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error(), errc::timed_out);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(events.finished());
}

TEST_P(Connect, DoesNotSpinWhileItWaits) {
  const silent_listener at;
  const ref<stream> socket{new stream{open_tcp(family::inet4).value()}};
  const auto before = events.resumptions();

  // The first address leaves an error event on the descriptor that both share.
  EXPECT_EQ(run(events, attempt(socket, {loopback(closed_port()), loopback(at.port())}, events.io().now() + 5s)),
            errc::timed_out);

  EXPECT_LE(events.resumptions() - before, 50U);
}

TEST_P(Connect, ClosesItsDescriptorWhenItIsCancelled) {
  const silent_listener at;
  const std::ptrdiff_t before = open_descriptors();
  {
    scope tasks{events};
    auto client = [&]() -> task<> { static_cast<void>(co_await connect(events, "127.0.0.1", at.port())); };
    tasks.spawn(client());
    settle(events);
    EXPECT_EQ(open_descriptors(), before + 1);
    EXPECT_FALSE(events.finished());
  }

  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(events.finished());
}

TEST_P(Connect, EndsWhenTheSocketIsClosed) {
  const silent_listener at;
  const ref<stream> socket{new stream{}};
  auto closer = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    socket->close();
  };
  events.spawn(closer());

  EXPECT_EQ(run(events, attempt(socket, {loopback(at.port()), loopback(at.port())})), errc::closed);
}

TEST_P(Connect, RefusesASocketThatIsConnected) {
  const peer_listener at;
  const ref<stream> socket{new stream{}};
  EXPECT_FALSE(run(events, attempt(socket, {loopback(at.port())})));

  const std::error_code error = run(events, attempt(socket, {loopback(at.port())}));

  EXPECT_EQ(error, system_error(EISCONN));
  peer theirs = at.accept();
  expect_connected(socket, theirs);
}

TEST_P(Connect, ConnectsASocketAgainAfterItWasClosed) {
  const peer_listener at;
  const ref<stream> socket{new stream{}};
  EXPECT_FALSE(run(events, attempt(socket, {loopback(at.port())})));
  peer first = at.accept();
  first.send("old data");
  socket->close();

  EXPECT_FALSE(run(events, attempt(socket, {loopback(at.port())})));

  peer second = at.accept();
  expect_connected(socket, second);
}

TEST_P(Connect, UsesIPv6) {
  std::optional<peer_listener> at;
  try {
    at.emplace(128, "::1");
  } catch (const std::system_error& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }

  auto connection = run(events, connect(events, "::1", at->port()));

  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->peer()->family(), family::inet6);
  EXPECT_EQ(connection->peer()->host(), "::1");
}

TEST_P(Connect, FindsThatALocalNameHasTwoFamilies) {
  const peer_listener at;  // of IPv4 alone, which may be the second

  const auto connection = run(events, connect(events, "localhost", at.port()));

  EXPECT_TRUE(connection) << connection.error().message();
}

TEST_P(Connect, MakesManyConnectionsAtOnce) {
  const peer_listener at{512};
  int connected = 0;
  std::vector<tcp_stream> kept;
  auto client = [&]() -> task<> {
    auto connection = co_await connect(events, "127.0.0.1", at.port());
    if (!connection) co_return;
    ++connected;
    kept.push_back(std::move(*connection));
  };
  for (int count = 0; count < 200; ++count) events.spawn(client());

  events.run();

  EXPECT_EQ(connected, 200);
}

}  // namespace
}  // namespace copas
