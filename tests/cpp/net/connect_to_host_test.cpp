#include "copas/net/connect_to_host.hpp"

#include <gmock/gmock.h>
#include <netdb.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/descriptors.hpp"
#include "support/name_server.hpp"
#include "support/peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/silent_listener.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

bool has_ipv6() {
  try {
    const peer_listener sixth{1, "::1"};
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

// Connections to hosts that a server of the test knows.
class ConnectToHost : public world_test {
 public:
  void know(name_server::script names_of_test) {
    server.emplace(events, std::move(names_of_test));
    resolver_options how;
    how.servers = {server->where()};
    how.domains.emplace();
    names.emplace(events, how, &dns::cares_engine());
  }

  task<std::error_code> attempt(ref<stream> on, std::string host, std::uint16_t port, deadline until = never) {
    connect_to_host operation{*names, on, {std::move(host), std::to_string(port)}};
    operation.set_deadline(until);
    co_return co_await operation;
  }
  std::error_code connect(const std::string& host, std::uint16_t port, deadline until = never) {
    socket = ref{new stream{}};
    return run(events, attempt(socket, host, port, until));
  }
  [[nodiscard]] std::string peer_host() const { return peer_address(socket->fd())->host(); }

  std::optional<name_server> server;
  std::optional<resolver> names;
  ref<stream> socket;
};
INSTANTIATE_TEST_SUITE_P(Worlds, ConnectToHost, every_world, name_of_world);

TEST_P(ConnectToHost, TriesAllAddresses) {
  know(zone({{"host.test", "127.0.0.7"}, {"host.test", "127.0.0.8"}, {"host.test", "127.0.0.1"}}));
  const peer_listener at;

  EXPECT_EQ(connect("host.test", at.port()), std::error_code{});

  EXPECT_EQ(peer_host(), "127.0.0.1");
}

TEST_P(ConnectToHost, NeedsNoServerForAnAddress) {
  know(zone({}));
  const peer_listener at;

  EXPECT_EQ(connect("127.0.0.1", at.port()), std::error_code{});

  EXPECT_TRUE(server->asked().empty());
}

TEST_P(ConnectToHost, HasItsDescriptorWhileItConnectsToAnAddress) {
  know(zone({}));
  const silent_listener at;
  socket = ref{new stream{}};
  scope tasks{events};
  auto client = [&]() -> task<> { static_cast<void>(co_await attempt(socket, "127.0.0.1", at.port())); };

  tasks.spawn(client());
  settle(events);

  EXPECT_TRUE(socket->open());
}

TEST_P(ConnectToHost, TriesTheNextAddressWhileOneIsSilent) {
  const silent_listener silent;
  auto at = tcp_listener::bind(events, address::parse("127.0.0.2", silent.port()).value());
  if (!at) GTEST_SKIP() << "the port is taken: " << at.error().message();
  know(zone({{"host.test", "127.0.0.1"}, {"host.test", "127.0.0.2"}}));
  const deadline start = events.io().now();

  EXPECT_EQ(connect("host.test", silent.port()), std::error_code{});

  EXPECT_EQ(peer_host(), "127.0.0.2");
  EXPECT_GE(events.io().now() - start, 250ms);
}

TEST_P(ConnectToHost, ConnectsByIPv6WhereThereIsBoth) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const peer_listener sixth{1, "::1"};
  const auto fourth = tcp_listener::bind(events, address::parse("127.0.0.1", sixth.port()).value());
  know(zone({{"host.test", "127.0.0.1"}, {"host.test", "::1"}}));

  EXPECT_EQ(connect("host.test", sixth.port()), std::error_code{});

  EXPECT_EQ(peer_host(), "::1");
}

TEST_P(ConnectToHost, ConnectsByIPv4WhenNobodyListensOnIPv6) {
  know(zone({{"host.test", "127.0.0.1"}, {"host.test", "::1"}}));
  const peer_listener at;

  EXPECT_EQ(connect("host.test", at.port()), std::error_code{});

  EXPECT_EQ(peer_host(), "127.0.0.1");
}

TEST_P(ConnectToHost, DoesNotWaitLongForAnAnswerThatIsMissing) {
  know([](const dns_query& query) {
    dns_reply reply = zone({{"host.test", "127.0.0.1"}})(query);
    reply.silent = query.type == dns_type::aaaa;
    return reply;
  });
  const peer_listener at;
  const deadline start = events.io().now();

  EXPECT_EQ(connect("host.test", at.port()), std::error_code{});

  EXPECT_GE(events.io().now() - start, 50ms);
  EXPECT_LT(events.io().now() - start, 2s);
}

TEST_P(ConnectToHost, TakesAddressesThatAreFoundLater) {
  const silent_listener silent;
  auto at = tcp_listener::bind(events, address::parse("::1", silent.port()).value());
  if (!at) GTEST_SKIP() << "no IPv6 here: " << at.error().message();
  know([](const dns_query& query) {
    dns_reply reply = zone({{"host.test", "127.0.0.1"}, {"host.test", "::1"}})(query);
    if (query.type == dns_type::aaaa) reply.delay = 1s;
    return reply;
  });

  EXPECT_EQ(connect("host.test", silent.port()), std::error_code{});

  EXPECT_EQ(peer_host(), "::1");
}

TEST_P(ConnectToHost, ReportsThatNobodyListens) {
  know(zone({{"host.test", "127.0.0.1"}, {"host.test", "127.0.0.2"}}));

  EXPECT_EQ(connect("host.test", closed_port()), system_error(ECONNREFUSED));
  EXPECT_FALSE(socket->open());
}

TEST_P(ConnectToHost, ReportsThatThereIsNoSuchHost) {
  know(zone({}));

  EXPECT_EQ(connect("host.test", 80), std::error_code(EAI_NONAME, resolver_category()));
}

TEST_P(ConnectToHost, ReportsThatThereIsNoSuchService) {
  know(zone({}));
  auto body = [&]() -> task<std::error_code> {
    connect_to_host operation{*names, ref{new stream{}}, {"host.test", "no-such-service"}};
    co_return co_await operation;
  };

  EXPECT_EQ(run(events, body()), std::error_code(EAI_SERVICE, resolver_category()));
}

TEST_P(ConnectToHost, HasOneDeadlineForAll) {
  know([](const dns_query& query) {
    dns_reply reply = zone({{"host.test", "127.0.0.1"}})(query);
    reply.delay = 3s;
    return reply;
  });
  const silent_listener at;
  const deadline until = events.io().now() + 5s;

  EXPECT_EQ(connect("host.test", at.port(), until), errc::timed_out);

  EXPECT_GE(events.io().now(), until);
  EXPECT_LT(events.io().now(), until + 1s);
  EXPECT_EQ(connect("host.test", at.port(), events.io().now() + 1s), errc::timed_out);
}

TEST_P(ConnectToHost, EndsWhenTheSocketIsClosedWhileTheHostIsLookedUp) {
  know([](const dns_query&) { return dns_reply{.silent = true}; });
  socket = ref{new stream{}};
  auto closer = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    socket->close();
  };
  events.spawn(closer());

  EXPECT_EQ(run(events, attempt(socket, "host.test", 80)), errc::closed);
}

TEST_P(ConnectToHost, ClosesAllDescriptorsWhenItIsCancelled) {
  const silent_listener at;
  know(zone({{"host.test", "127.0.0.1"}, {"host.test", "127.0.0.1"}}));
  EXPECT_EQ(connect("host.test", closed_port()), system_error(ECONNREFUSED));  // the answer is known from now on
  const std::ptrdiff_t before = open_descriptors();
  {
    scope tasks{events};
    socket = ref{new stream{}};
    auto client = [&]() -> task<> { static_cast<void>(co_await attempt(socket, "host.test", at.port())); };
    tasks.spawn(client());
    settle(events);
    EXPECT_GT(open_descriptors(), before);
  }

  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(ConnectToHost, LetsOthersWhoConnectTheSameSocketWait) {
  know([](const dns_query& query) {
    dns_reply reply = zone({{"host.test", "127.0.0.1"}})(query);
    reply.delay = 1s;
    return reply;
  });
  const peer_listener at;
  socket = ref{new stream{}};
  std::vector<std::error_code> outcomes;
  auto client = [&]() -> task<> { outcomes.push_back(co_await attempt(socket, "host.test", at.port())); };
  {
    scope tasks{events};
    for (int count = 0; count < 3; ++count) tasks.spawn(client());
    run(events, [](scope& all) -> task<> { co_await all.join(); }(tasks));
  }

  EXPECT_THAT(outcomes, ::testing::ElementsAre(std::error_code{}, system_error(EISCONN), system_error(EISCONN)));
}

TEST_P(ConnectToHost, KeepsADescriptorThatTheSocketHas) {
  know(zone({{"host.test", "127.0.0.7"}, {"host.test", "127.0.0.1"}}));
  const peer_listener at;
  socket = ref{new stream{open_tcp(family::inet4).value()}};
  const int fd = socket->fd();

  EXPECT_EQ(run(events, attempt(socket, "host.test", at.port())), std::error_code{});

  EXPECT_EQ(socket->fd(), fd);
  EXPECT_EQ(peer_host(), "127.0.0.1");
}

TEST_P(ConnectToHost, SaysWhatItWaitsFor) {
  know([](const dns_query&) { return dns_reply{.silent = true}; });
  scope tasks{events};
  socket = ref{new stream{}};
  auto client = [&]() -> task<> { static_cast<void>(co_await attempt(socket, "host.test", 80)); };
  tasks.spawn(client(), "client");
  settle(events);

  std::string_view activity;
  events.tasks().for_each([&](const task_record& each) {
    if (each.name() == "client") activity = each.waiting_on()->activity();
  });
  EXPECT_EQ(activity, "looking up a host");
  EXPECT_GE(events.parked(wait_kind::write), 1U);
}

}  // namespace
}  // namespace copas
