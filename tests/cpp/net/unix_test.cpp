#include "copas/net/unix.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/temporary_path.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;

TEST(UnixAddress, KeepsItsPath) {
  EXPECT_EQ(unix_address::of("/some/path")->path(), "/some/path");
  EXPECT_EQ(unix_address::of("")->path(), "");
  EXPECT_EQ(unix_address{}.path(), "");
  EXPECT_EQ(unix_address{socket_address{}}.path(), "");
}

TEST(UnixAddress, MayBeAnAbstractName) {
  const std::string name{"\0a name", 7};

  EXPECT_EQ(unix_address::of(name)->path(), name);
}

TEST(UnixAddress, HasAPathOf107BytesAtMost) {
  const std::string longest(107, 'x');

  EXPECT_EQ(unix_address::of(longest)->path(), longest);
  EXPECT_EQ(unix_address::of(longest + "x").error(), system_error(ENAMETOOLONG));
}

// Streams.

class UnixStream : public world_test {
 public:
  temporary_path path;
  unix_listener at = unix_listener::bind(events, path.text()).value();

  static task<> echo(unix_stream client) {
    std::string text;
    while (co_await client.receive_line(text)) {
      if (text == "quit") break;
      text += '\n';
      if (!co_await client.send(text)) break;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, UnixStream, every_world, name_of_world);

TEST_P(UnixStream, CarriesBytesBothWays) {
  const std::string large = noise(scaled(1000000, 20000));
  std::string got;
  std::string answer;
  auto server = [&]() -> task<> {
    auto client = co_await at.accept();
    EXPECT_TRUE(co_await client->receive_exactly(got, large.size()));
    EXPECT_TRUE(co_await client->send("thanks\n"));
  };
  auto client = [&]() -> task<> {
    auto connection = co_await connect_unix(events, path.text());
    EXPECT_TRUE(co_await connection->send(large));
    EXPECT_TRUE(co_await connection->receive_line(answer));
    EXPECT_EQ((co_await connection->receive_line(got)).error, errc::closed);
  };
  events.spawn(server());

  run(events, client());

  EXPECT_EQ(answer, "thanks");
}

TEST_P(UnixStream, IsServedAsOthersAre) {
  std::vector<std::string> answers;
  auto ask = [&](std::string text) -> task<> {
    auto server = co_await connect_unix(events, path.text());
    std::string answer;
    EXPECT_TRUE(co_await server->send(text + "\nquit\n"));
    EXPECT_TRUE(co_await server->receive_all(answer));
    EXPECT_EQ(answer, text + "\n");
    answers.push_back(answer);
    if (answers.size() == 20) at.close();
  };
  events.spawn(serve(events, at, echo));
  for (int number = 0; number < 20; ++number) events.spawn(ask(std::to_string(number)));

  events.run();

  EXPECT_EQ(answers.size(), 20U);
}

TEST_P(UnixStream, EndsAReceiveWhenItIsClosed) {
  std::error_code why;
  std::optional<unix_stream> client;
  auto body = [&]() -> task<> {
    client = (co_await connect_unix(events, path.text())).value();
    std::string text;
    why = (co_await client->receive_line(text)).error;
  };
  events.spawn(body());
  settle(events);

  client->close();
  events.run();

  EXPECT_EQ(why, errc::closed);
}

TEST_P(UnixStream, SaysWhyThereIsNoConnection) {
  const auto error_of = [&](std::string to) { return run(events, connect_unix(events, std::move(to))).error(); };

  EXPECT_EQ(error_of(path.text() + "-not"), system_error(ENOENT));
  EXPECT_EQ(error_of(std::string(200, 'x')), system_error(ENAMETOOLONG));
  at.close();
  EXPECT_EQ(error_of(path.text()), system_error(ECONNREFUSED));
}

TEST_P(UnixStream, SaysWhyThereIsNoListener) {
  EXPECT_EQ(unix_listener::bind(events, path.text()).error(), system_error(EADDRINUSE));
  EXPECT_EQ(unix_listener::bind(events, path.text() + "/not/there").error(), system_error(ENOTDIR));
  EXPECT_EQ(unix_listener::bind(events, std::string(200, 'x')).error(), system_error(ENAMETOOLONG));
}

class FullUnixListener : public world_test {
 public:
  temporary_path path;
  unix_listener at = unix_listener::bind(events, path.text(), {.backlog = 0}).value();  // has room for one connection
  unix_stream first = run(events, connect_unix(events, path.text())).value();
};
INSTANTIATE_TEST_SUITE_P(Worlds, FullUnixListener, every_world, name_of_world);

TEST_P(FullUnixListener, IsWaitedFor) {
  bool connected = false;
  auto client = [&]() -> task<> { connected = (co_await connect_unix(events, path.text())).has_value(); };
  auto server = [&]() -> task<> { static_cast<void>(co_await at.accept()); };
  events.spawn(client());
  for (int count = 0; count < 5; ++count) events.turn();
  EXPECT_FALSE(connected);

  events.spawn(server());
  events.run();

  EXPECT_TRUE(connected);
}

TEST_P(FullUnixListener, IsWaitedForUntilTheDeadline) {
  const auto late = run(events, connect_unix(events, path.text(), events.io().now() + 20ms));

  EXPECT_EQ(late.error(), errc::timed_out);
}

TEST_P(FullUnixListener, MayGoMeanwhile) {
  std::error_code why;
  auto client = [&]() -> task<> { why = (co_await connect_unix(events, path.text())).error(); };
  events.spawn(client());
  for (int count = 0; count < 5; ++count) events.turn();

  at.close();
  events.run();

  EXPECT_EQ(why, system_error(ECONNREFUSED));
}

// Datagrams.

class UnixDatagram : public world_test {
 public:
  temporary_path path;
  unix_datagram_socket ours = unix_datagram_socket::bind(events, path.text()).value();
  unix_address to_ours = unix_address::of(path.text()).value();

  task<std::string> receive(unix_datagram_socket& from) {
    std::array<std::byte, 100> space;
    const auto got = co_await from.receive_from(space);
    EXPECT_FALSE(got.error);
    sender = got.sender.path();
    co_return std::string{reinterpret_cast<const char*>(space.data()), got.bytes};
  }
  // Sends until the receiver's queue is full; the number of datagrams in it.
  int fill(unix_datagram_socket& by) {
    int sent = 0;
    while (::sendto(by.fd(), "x", 1, 0, reinterpret_cast<const sockaddr*>(to_ours.bytes().data()),
                    static_cast<socklen_t>(to_ours.bytes().size())) == 1) {
      ++sent;
    }
    return sent;
  }

  std::string sender;
};
INSTANTIATE_TEST_SUITE_P(Worlds, UnixDatagram, every_world, name_of_world);

TEST_P(UnixDatagram, SaysWhereItCameFrom) {
  const temporary_path other;
  auto theirs = unix_datagram_socket::bind(events, other.text()).value();
  auto nameless = unix_datagram_socket::open(events).value();
  auto body = [&]() -> task<> {
    EXPECT_TRUE(co_await theirs.send_to("hello", to_ours));
    EXPECT_EQ(co_await receive(ours), "hello");
    EXPECT_EQ(sender, other.text());
    EXPECT_TRUE(co_await nameless.send_to("", to_ours));
    EXPECT_EQ(co_await receive(ours), "");
    EXPECT_EQ(sender, "");
  };

  run(events, body());

  EXPECT_EQ(theirs.local()->path(), other.text());
}

TEST_P(UnixDatagram, GoesToAPeer) {
  auto theirs = unix_datagram_socket::open(events).value();
  EXPECT_TRUE(theirs.connect(path.text()));
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await theirs.send("hello")).bytes, 5U);
    EXPECT_EQ(co_await receive(ours), "hello");
  };

  run(events, body());
}

TEST_P(UnixDatagram, WaitsForAReceiverWhoseQueueIsFull) {
  auto theirs = unix_datagram_socket::open(events).value();
  int left = fill(theirs);
  bool sent = false;
  auto send = [&]() -> task<> {
    EXPECT_TRUE(co_await theirs.send_to("last", to_ours));
    sent = true;
  };
  events.spawn(send());
  for (int count = 0; count < 5; ++count) events.turn();
  EXPECT_FALSE(sent);
  auto drain = [&]() -> task<> {
    for (; left > 0; --left) EXPECT_EQ(co_await receive(ours), "x");
    EXPECT_EQ(co_await receive(ours), "last");
  };
  events.spawn(drain());

  events.run();

  EXPECT_TRUE(sent);
}

TEST_P(UnixDatagram, WaitsForAPeerWhoseQueueIsFull) {
  auto theirs = unix_datagram_socket::open(events).value();
  EXPECT_TRUE(theirs.connect(path.text()));
  constexpr int count = 100;
  auto send = [&]() -> task<> {
    for (int each = 0; each < count; ++each) {
      const std::string text = std::to_string(each);
      EXPECT_TRUE(co_await theirs.send(text));
    }
  };
  auto drain = [&]() -> task<> {
    for (int each = 0; each < count; ++each) EXPECT_EQ(co_await receive(ours), std::to_string(each));
  };
  events.spawn(send());
  settle(events);
  events.spawn(drain());

  events.run();
}

TEST_P(UnixDatagram, IsNotSentToAFullQueueAfterTheDeadline) {
  auto theirs = unix_datagram_socket::open(events).value();
  static_cast<void>(fill(theirs));
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await theirs.send_to("x", to_ours, events.io().now() + 20ms)).error, errc::timed_out);
    EXPECT_TRUE(theirs.connect(path.text()));
    EXPECT_EQ((co_await theirs.send("x", events.io().now() + 20ms)).error, errc::timed_out);
  };

  run(events, body());
}

TEST_P(UnixDatagram, SaysWhyItCannotGo) {
  auto theirs = unix_datagram_socket::open(events).value();
  auto nowhere = unix_address::of(path.text() + "-not").value();
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await theirs.send_to("x", nowhere)).error, system_error(ENOENT));
    EXPECT_EQ((co_await theirs.send("x")).error, system_error(ENOTCONN));
    ours.close();
    EXPECT_EQ((co_await theirs.send_to("x", to_ours)).error, system_error(ECONNREFUSED));
  };

  run(events, body());

  EXPECT_EQ(theirs.connect(path.text() + "-not").error(), system_error(ENOENT));
  EXPECT_EQ(theirs.connect(std::string(200, 'x')).error(), system_error(ENAMETOOLONG));
  EXPECT_EQ(unix_datagram_socket::bind(events, path.text()).error(), system_error(EADDRINUSE));
  EXPECT_EQ(unix_datagram_socket::bind(events, std::string(200, 'x')).error(), system_error(ENAMETOOLONG));
}

}  // namespace
}  // namespace copas
