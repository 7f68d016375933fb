#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/net/tcp.hpp"
#include "support/peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

// A server.
class Serve : public world_test {
 public:
  tcp_listener at = tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::uint16_t port = at.local()->port();

  static task<> echo(tcp_stream client) {
    std::string text;
    while (co_await client.receive_line(text)) {
      if (text == "quit") break;
      text += '\n';
      if (!co_await client.send(text)) break;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, Serve, every_world, name_of_world);

TEST_P(Serve, RunsAHandlerForEachConnection) {
  events.spawn(serve(events, at, echo));
  std::vector<peer> clients;
  for (int count = 0; count < 20; ++count) clients.push_back(peer::connect(port));
  for (std::size_t index = 0; index < clients.size(); ++index) clients[index].send(std::to_string(index) + "\n");
  settle(events);

  for (std::size_t index = 0; index < clients.size(); ++index) {
    EXPECT_EQ(clients[index].receive_line(), std::to_string(index) + "\n");
    clients[index].send("quit\n");
  }
  settle(events);

  for (peer& each : clients) EXPECT_EQ(each.receive_all(), "");
}

TEST_P(Serve, EndsWhenTheListenerIsClosedAndTheLastHandlerHasEnded) {
  bool ended = false;
  auto body = [&]() -> task<> {
    co_await serve(events, at, echo);
    ended = true;
  };
  events.spawn(body());
  peer client = peer::connect(port);
  client.send("hello\n");
  settle(events);

  at.close();
  settle(events);
  EXPECT_FALSE(ended);
  client.send("quit\n");
  events.run();

  EXPECT_TRUE(ended);
  EXPECT_EQ(client.receive_all(), "hello\n");
}

TEST_P(Serve, CancelsItsHandlersWhenItIsCancelled) {
  scope tasks{events};
  tasks.spawn(serve(events, at, echo));
  peer client = peer::connect(port);
  client.send("hello\n");
  settle(events);
  EXPECT_EQ(client.receive_line(), "hello\n");

  tasks.cancel();

  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(events.tasks().empty());
  EXPECT_TRUE(events.finished());
}

TEST_P(Serve, GoesOnWhenAHandlerFails) {
  int errors = 0;
  events.on_error([&](const std::exception_ptr&, const task_record& failed) {
    ++errors;
    EXPECT_EQ(failed.name(), "connection");
  });
  auto picky = [](tcp_stream client) -> task<> {
    std::string text;
    if (!co_await client.receive_line(text)) co_return;
    if (text == "bad") throw std::runtime_error{"bad client"};
    static_cast<void>(co_await client.send("fine"));
  };
  events.spawn(serve(events, at, picky));
  peer bad = peer::connect(port);
  peer good = peer::connect(port);
  bad.send("bad\n");
  good.send("good\n");
  settle(events);

  EXPECT_EQ(bad.receive_all(), "");
  EXPECT_EQ(good.receive_all(), "fine");
  EXPECT_EQ(errors, 1);
}

TEST_P(Serve, GoesOnWhenAHandlerFailsBeforeItIsATask) {
  int errors = 0;
  events.on_error([&](const std::exception_ptr&, const task_record& failed) {
    ++errors;
    EXPECT_EQ(failed.name(), "server");
  });
  auto sometimes = [refuses = true](tcp_stream client) mutable -> task<> {
    if (std::exchange(refuses, false)) throw std::runtime_error{"not yet"};
    return echo(std::move(client));
  };
  events.spawn(serve(events, at, sometimes), "server");
  peer bad = peer::connect(port);
  peer good = peer::connect(port);
  good.send("good\nquit\n");
  settle(events);

  EXPECT_EQ(bad.receive_all(), "");
  EXPECT_EQ(good.receive_all(), "good\n");
  EXPECT_EQ(errors, 1);
}

TEST_P(Serve, HandsOutDataThatCameWithTheConnection) {
  peer client = peer::connect(port);
  client.send("early\nquit\n");
  client.shutdown();
  events.spawn(serve(events, at, echo));
  settle(events);

  EXPECT_EQ(client.receive_all(), "early\n");
}

TEST_P(Serve, SurvivesClientsThatResetBeforeTheyAreAccepted) {
  for (int count = 0; count < 10; ++count) peer::connect(port).reset();
  peer client = peer::connect(port);
  client.send("hello\n");
  events.spawn(serve(events, at, echo));
  settle(events);

  EXPECT_EQ(client.receive_line(), "hello\n");
}

TEST_P(Serve, ServesTwoThousandConnectionsWithDescriptorsAbove1024) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t needed = 6000;
  if (limit.rlim_max < needed) GTEST_SKIP() << "no " << needed << " descriptors here";
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const int count = static_cast<int>(scaled(2000, 1200));
  events.spawn(serve(events, at, echo));

  std::vector<peer> clients;
  for (int each = 0; each < count; ++each) {
    clients.push_back(peer::connect(port));
    clients.back().send("hello " + std::to_string(each) + "\n");
    if (each % 100 == 99) settle(events);
  }
  settle(events);
  EXPECT_GT(clients.back().fd(), 1024);

  for (int each = 0; each < count; ++each) {
    ASSERT_EQ(clients[static_cast<std::size_t>(each)].receive_line(), "hello " + std::to_string(each) + "\n");
  }
  for (int each = count - 1; each >= 0; each -= 7) {
    clients[static_cast<std::size_t>(each)].send("again\n");
    settle(events);
    ASSERT_EQ(clients[static_cast<std::size_t>(each)].receive_line(), "again\n");
  }
}

TEST_P(Serve, ServesClientsOfEveryTemper) {
  events.spawn(serve(events, at, echo));
  peer slow = peer::connect(port);
  peer silent = peer::connect(port);
  peer broken = peer::connect(port);
  peer eager = peer::connect(port);
  const std::string message = "one byte at a time\n";
  auto drip = [&]() -> task<> {
    for (const char each : message) {
      slow.send({&each, 1});
      co_await sleep_for(events, 1s);
    }
  };
  run(events, drip());
  broken.send("half a li");
  settle(events);
  broken.reset();
  std::string expected;
  for (int count = 0; count < 500; ++count) expected += "line " + std::to_string(count) + "\n";
  eager.send(expected);
  settle(events);

  EXPECT_EQ(slow.receive_line(), message);
  EXPECT_EQ(eager.receive(expected.size()), expected);
  EXPECT_EQ(silent.receive_available(), "");
  silent.send("quit\n");
  settle(events);
  EXPECT_EQ(silent.receive_all(), "");
}

}  // namespace
}  // namespace copas
