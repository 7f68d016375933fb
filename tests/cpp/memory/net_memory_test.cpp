#include <gmock/gmock.h>

#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/net/tcp.hpp"
#include "scarce_memory.hpp"
#include "support/peer.hpp"
#include "support/resolver_fixture.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class ServeWithoutMemory : public world_test {
 public:
  ServeWithoutMemory() {
    events.on_error([](const std::exception_ptr&, const task_record&) {});
  }

  static task<> echo(tcp_stream client) {
    std::string text;
    while (co_await client.receive_line(text)) {
      text += '\n';
      if (!co_await client.send(text)) break;
    }
  }

  [[nodiscard]] std::string answer(peer& of) {
    of.send("hello\n");
    settle(events);
    return of.receive_line();
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, ServeWithoutMemory, ::testing::Values(world::plain), name_of_world);

TEST_P(ServeWithoutMemory, GoesOnWhicheverAllocationFails) {
  tcp_listener at = tcp_listener::bind(events, "127.0.0.1", 0).value();
  const std::uint16_t port = at.local()->port();
  events.spawn(serve(events, at, echo));
  peer first = peer::connect(port);
  EXPECT_EQ(answer(first), "hello\n");

  const long count = fail_each_allocation([&](long left) {
    const peer refused = peer::connect(port);
    bool ran_out = false;
    {
      const scarce_memory memory{left};
      settle(events);
      ran_out = memory.ran_out();
    }
    peer next = peer::connect(port);
    EXPECT_EQ(answer(next), "hello\n") << left;
    return ran_out;
  });

  EXPECT_EQ(answer(first), "hello\n");
  EXPECT_GT(count, 0);
}

using ResolverWithoutMemory = Resolver;
INSTANTIATE_TEST_SUITE_P(Worlds, ResolverWithoutMemory, ::testing::Values(world::plain), name_of_world);

// The name server has a thread of its own, whose memory is not scarce.
class name_server_elsewhere {
 public:
  explicit name_server_elsewhere(name_server::script answer) : server_{events_, std::move(answer)} {}
  ~name_server_elsewhere() {
    events_.post([this] {
      server_.stop();
      events_.stop();
    });
  }
  [[nodiscard]] address where() const { return server_.where(); }

 private:
  loop events_{system_reactor()};
  name_server server_;
  std::jthread running_{[this] { events_.run(); }};
};

TEST_P(ResolverWithoutMemory, EndsEachLookUpWhicheverAllocationFails) {
  const auto nothing = [](const dns_query&) { return dns_reply{.outcome = dns_reply::code::no_such_name}; };
  const name_server_elsewhere server{nothing};
  how.domains = {"one.test", "two.test"};
  how.cache_size = 0;
  how.timeout = std::chrono::milliseconds{20};  // where there was no memory to watch a descriptor
  how.tries = 2;

  const long count = fail_each_allocation([&](long left) {
    asking({server.where()});
    std::optional<result<std::vector<address>>> found;
    scope tasks{events};
    bool thrown = false;
    bool ran_out = false;
    {
      const scarce_memory memory{left};
      try {
        begin_look_up_4(tasks, "host", found);
        while (!found && !memory.ran_out()) events.turn();
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      ran_out = memory.ran_out();
    }
    while (!thrown && !found && !events.finished()) events.turn();
    EXPECT_TRUE(thrown || found) << left;
    return ran_out;
  });

  EXPECT_GT(count, 5);
}

}  // namespace
}  // namespace copas
