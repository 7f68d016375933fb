// What an operation costs, counted: allocations, system calls, bytes moved.

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "copas/io/system_reactor.hpp"
#include "support/allocation_counter.hpp"
#include "support/counting_reactor.hpp"
#include "support/impatient_reactor.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class Cost : public ::testing::Test {
 public:
  // Echoes lines into a string whose memory it keeps.
  task<> echo(int lines) {
    std::string text;
    for (int count = 0; count < lines; ++count) {
      const received got = co_await receive_operation{&events, wire.ours, line};
      if (got.error) co_return;
      text.assign(got.bytes());
      text += '\n';
      if (!co_await send_awaitable{&events, wire.ours, std::as_bytes(std::span{text})}) co_return;
    }
  }

  reactor_calls calls;
  loop events{std::make_unique<counting_reactor>(std::make_unique<impatient_reactor>(system_reactor()), calls)};
  connection wire;
};

TEST_F(Cost, OfAnOperationThatFinishesAtOnceIsOneSystemCall) {
  wire.theirs.send("hello\n");
  calls = {};

  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("hello"));
  EXPECT_TRUE(run(events, send(events, wire.ours, "hello\n")));

  EXPECT_EQ(calls.receives, 1U);
  EXPECT_EQ(calls.sends, 1U);
  EXPECT_EQ(calls.watches, 0U);
}

TEST_F(Cost, OfLinesThatCameTogetherIsOneSystemCall) {
  std::string sent;
  for (int count = 0; count < 100; ++count) sent += "line " + std::to_string(count) + "\n";
  wire.theirs.send(sent);
  calls = {};
  auto reader = [&]() -> task<> {
    for (int count = 0; count < 100; ++count) {
      const text got = co_await receive(events, wire.ours, line);
      EXPECT_EQ(got, fine("line " + std::to_string(count)));
    }
  };

  run(events, reader());

  EXPECT_EQ(calls.receives, 1U);
}

TEST_F(Cost, OfARequestIsOneReadAndOneWrite) {
  events.spawn(echo(1000));
  settle(events);
  wire.theirs.send("warm\n");
  settle(events);
  EXPECT_EQ(wire.theirs.receive_line(), "warm\n");
  calls = {};

  for (int count = 0; count < 100; ++count) {
    wire.theirs.send("request\n");
    events.turn();
    EXPECT_EQ(wire.theirs.receive_line(), "request\n");
  }

  EXPECT_EQ(calls.receives, 100U);
  EXPECT_EQ(calls.sends, 100U);
  EXPECT_EQ(calls.waits, 100U);
  EXPECT_EQ(calls.watches, 0U);
}

TEST_F(Cost, OfALoopThatHasNothingToDoIsOneWait) {
  auto reader = [&]() -> task<> { co_await receive(events, wire.ours, line); };
  auto sleeper = [&]() -> task<> { co_await sleep_for(events, 1h); };
  events.spawn(reader());
  events.spawn(sleeper());
  settle(events);
  calls = {};

  events.turn(events.io().now() + 10min);

  EXPECT_EQ(calls.waits, 1U);
  EXPECT_EQ(calls.receives, 0U);
}

TEST_F(Cost, OfAMegabyteIsAFewSystemCalls) {
  const std::size_t size = 1'000'000;
  auto writer = [](loop& home, peer& to, std::string bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest));
      co_await yield(home);
    }
  };
  events.spawn(writer(events, wire.theirs, std::string(size, 'x')));
  calls = {};

  EXPECT_EQ(run(events, receive(events, wire.ours, exactly(size))).bytes.size(), size);

  EXPECT_LE(calls.receives, 100U);
}

#if COPAS_HAS_MEMORY_POOLS

TEST_F(Cost, OfAnEchoIsNoAllocation) {
  events.spawn(echo(100000));
  for (int count = 0; count < 3; ++count) {
    wire.theirs.send("a line that does not fit into a short string\n");
    settle(events);
  }
  wire.theirs.receive_available();
  const std::string request = "a line that does not fit into a short string\n";
  const std::size_t before = allocations();

  std::size_t answered = 0;
  for (int count = 0; count < 100; ++count) {
    wire.theirs.send(request);
    events.turn();
    char space[100];
    answered += static_cast<std::size_t>(::recv(wire.theirs.fd(), space, sizeof space, 0));
  }

  EXPECT_EQ(answered, 100 * request.size());
  EXPECT_EQ(allocations() - before, 0U);
}

TEST_F(Cost, OfReadsThatFinishAtOnceIsNoAllocation) {
  std::string sent;
  for (int count = 0; count < 50; ++count) sent += "a line that does not fit into a short string\n";
  wire.theirs.send(sent);
  std::size_t used = 0;
  auto reader = [&]() -> task<> {
    std::array<std::byte, 46> space{};
    static_cast<void>(co_await receive_some_operation{&events, wire.ours, std::span{space}.first(1)});
    const std::size_t before = allocations();
    for (int count = 0; count < 49; ++count) {
      static_cast<void>(co_await receive_some_operation{&events, wire.ours, space});
    }
    used = allocations() - before;
  };

  run(events, reader());

  EXPECT_EQ(used, 0U);
}

TEST_F(Cost, OfWaitingIsNoAllocation) {
  auto waiter = [&](int times) -> task<> {
    std::array<std::byte, 10> space{};
    for (int count = 0; count < times; ++count) {
      static_cast<void>(co_await receive_some_operation{&events, wire.ours, space, events.io().now() + 10s});
    }
  };
  events.spawn(waiter(102));
  settle(events);
  for (int count = 0; count < 2; ++count) {
    wire.theirs.send("x");
    settle(events);
  }
  const std::size_t before = allocations();

  for (int count = 0; count < 99; ++count) {
    wire.theirs.send("x");
    events.turn();
  }

  EXPECT_EQ(allocations() - before, 0U);
}

// Large amounts that come in small pieces: memory is moved a few times, not once for each piece.
class CostOfMuch : public virtual_loop_test, public ::testing::WithParamInterface<std::size_t> {
 public:
  static constexpr std::size_t size = 50'000'000;

  // Bytes allocated to receive `size` bytes in pieces, behind each of which the reader waits.
  std::size_t allocated_for(receive_pattern pattern, std::string_view end) {
    text got;
    auto reader = [&]() -> task<> {
      receive_operation operation{&events, wire, pattern};
      const received outcome = co_await operation;
      got.error = outcome.error;
      length = outcome.bytes().size();
    };
    events.spawn(reader());
    for (int turn = 0; turn < 3; ++turn) poll();
    const std::string piece(GetParam(), 'x');
    std::size_t used = 0;
    for (std::size_t left = size; left > 0;) {
      const std::size_t count = std::min(left, piece.size());
      system.deliver_only(wire->fd(), std::string_view{piece}.substr(0, count));
      left -= count;
      const std::size_t before = allocated_bytes();
      poll();
      used += allocated_bytes() - before;
    }
    if (pattern.what == receive_pattern::kind::all) {
      system.deliver_end(wire->fd());
    } else {
      system.deliver_only(wire->fd(), end);
    }
    const std::size_t before = allocated_bytes();
    for (int turn = 0; turn < 3; ++turn) poll();
    EXPECT_FALSE(got.error);
    return used + allocated_bytes() - before;
  }

  ref<stream> wire{new stream{system.open()}};
  std::size_t length = 0;
};
INSTANTIATE_TEST_SUITE_P(Pieces, CostOfMuch, ::testing::Values(1000U, 16384U, 100000U));

TEST_P(CostOfMuch, OfEverythingIsLinear) {
  EXPECT_LE(allocated_for(all, ""), 5 * size);
  EXPECT_EQ(length, size);
}

TEST_P(CostOfMuch, OfALineIsLinear) {
  EXPECT_LE(allocated_for(line, "\n"), 5 * size);
  EXPECT_EQ(length, size);
}

TEST_P(CostOfMuch, OfANumberOfBytesIsLinear) {
  EXPECT_LE(allocated_for(exactly(size), ""), 5 * size);
  EXPECT_EQ(length, size);
}

#endif

}  // namespace
}  // namespace copas
