// A listener with real connections, and a real lack of descriptors.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "copas/io/listener.hpp"
#include "copas/io/stream.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class RealListener : public world_test {
 public:
  RealListener() : at{new listener{listening_socket()}} {}

  unique_fd listening_socket() {
    unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof local;
    auto* raw = reinterpret_cast<sockaddr*>(&local);
    if (::bind(fd.get(), raw, length) != 0 || ::listen(fd.get(), 128) != 0 ||
        ::getsockname(fd.get(), raw, &length) != 0) {
      throw std::system_error{errno, std::system_category(), "listen"};
    }
    port = ntohs(local.sin_port);
    return fd;
  }
  task<> echo(ref<stream> client) {
    for (;;) {
      const text got = co_await receive(events, client, line);
      if (got.error) break;
      const std::string answer = got.bytes + "\n";
      if (!co_await send(events, client, answer)) break;
    }
    client->close();
  }
  task<> serve() {
    for (;;) {
      auto connection = co_await accept_operation{&events, at};
      if (!connection) break;
      ++accepted;
      events.spawn(echo(ref{new stream{std::move(*connection)}}));
    }
  }

  std::uint16_t port = 0;
  ref<listener> at;
  int accepted = 0;
};
INSTANTIATE_TEST_SUITE_P(Worlds, RealListener, every_world, name_of_world);

TEST_P(RealListener, ServesManyClients) {
  events.spawn(serve());
  std::vector<peer> clients;
  for (int count = 0; count < 50; ++count) clients.push_back(peer::connect(port));
  for (peer& each : clients) each.send("hello\n");
  settle(events);

  for (peer& each : clients) EXPECT_EQ(each.receive_line(), "hello\n");

  clients.clear();
  settle(events);
  at->close();
  events.run();
  EXPECT_EQ(accepted, 50);
}

TEST_P(RealListener, ServesAClientThatComesWhileItWaits) {
  events.spawn(serve());
  settle(events);

  peer client = peer::connect(port);
  client.send("hello\n");
  settle(events);

  EXPECT_EQ(client.receive_line(), "hello\n");
  at->close();
}

TEST_P(RealListener, MakesConnectionsThatDoNotBlockAndCloseOnExec) {
  const peer client = peer::connect(port);
  auto take = [&]() -> task<result<unique_fd>> { co_return co_await accept_operation{&events, at}; };

  const auto connection = run(events, take());

  ASSERT_TRUE(connection);
  EXPECT_NE(::fcntl(connection->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(connection->get(), F_GETFD) & FD_CLOEXEC, 0);
}

// As few descriptors as there are open ones.
class descriptor_limit {
 public:
  descriptor_limit() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const unique_fd lowest_free{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(lowest_free.get());
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;

 private:
  rlimit before_{};
};

TEST_P(RealListener, RestsWithoutDescriptorsAndResumesWhenOneIsFreed) {
  events.spawn(serve());
  connection other;
  events.spawn(echo(other.ours));
  settle(events);
  std::vector<peer> clients;
  for (int count = 0; count < 3; ++count) clients.push_back(peer::connect(port));
  {
    const descriptor_limit nothing_left;
    settle(events);
    EXPECT_EQ(accepted, 0);

    other.theirs.shutdown();  // the echo closes its side: one descriptor
    turn_until(events, [&] { return accepted == 1; });
    settle(events);
    EXPECT_EQ(accepted, 1);
  }
  turn_until(events, [&] { return accepted == 3; });  // a second later at the latest

  for (peer& each : clients) {
    each.send("hello\n");
    settle(events);
    EXPECT_EQ(each.receive_line(), "hello\n");
  }
  at->close();
}

TEST_P(RealListener, DoesNotSpinWithoutDescriptors) {
  events.spawn(serve());
  settle(events);
  const peer client = peer::connect(port);
  const descriptor_limit nothing_left;
  settle(events);
  const auto before = events.resumptions();
  const deadline start = events.io().now();

  while (events.io().now() < start + 10s) events.turn(start + 10s);

  EXPECT_LE(events.resumptions() - before, GetParam() == world::plain ? 12U : 60U);
  EXPECT_EQ(accepted, 0);
  at->close();
}

}  // namespace
}  // namespace copas
