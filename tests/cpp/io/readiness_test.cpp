// When a descriptor is tried, watched and waited for: what costs system calls, and what a missed edge would lose.

#include "copas/io/readiness.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;

class Readiness : public virtual_loop_test {
 public:
  task<> read_lines() {
    for (;;) {
      const text got = co_await receive(events, wire, line);
      if (got.error) break;
      log.push_back(got.bytes);
    }
    log.emplace_back("end");
  }
  void turns(int count) {
    for (int turn = 0; turn < count; ++turn) poll();
  }

  ref<stream> wire{new stream{system.open()}};
  std::vector<std::string> log;
};

TEST_F(Readiness, IsNotWatchedWhileNobodyParks) {
  system.deliver(wire->fd(), "one\ntwo\n");

  EXPECT_EQ(run(events, receive(events, wire, line)), fine("one"));
  EXPECT_EQ(run(events, receive(events, wire, line)), fine("two"));
  EXPECT_EQ(run(events, send(events, wire, "answer")).bytes, 6U);

  EXPECT_EQ(system.calls().watches, 0U);
  EXPECT_EQ(wire->home(), nullptr);
}

TEST_F(Readiness, IsWatchedOnceForAllParks) {
  events.spawn(read_lines());
  turns(3);

  for (int round = 0; round < 20; ++round) {
    system.deliver(wire->fd(), "x\n");
    turns(2);
  }

  EXPECT_EQ(log.size(), 20U);
  EXPECT_EQ(system.calls().watches, 1U);
  EXPECT_EQ(system.calls().unwatches, 0U);
}

TEST_F(Readiness, CostsOneReadForEachRequest) {
  events.spawn(read_lines());
  turns(3);
  const std::size_t before = system.calls().receives;

  for (int round = 0; round < 20; ++round) {
    system.deliver(wire->fd(), "request\n");
    turns(2);
  }

  EXPECT_EQ(log.size(), 20U);
  EXPECT_EQ(system.calls().receives - before, 20U);
}

TEST_F(Readiness, IsTriedAgainAfterAReadThatFilledItsSpace) {
  events.spawn(read_lines());
  turns(3);
  const std::string exact(read_buffer::block_size - 1, 'x');
  const std::size_t before = system.calls().receives;

  system.deliver(wire->fd(), exact + "\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre(exact));
  EXPECT_EQ(system.calls().receives - before, 2U);
}

TEST_F(Readiness, IsTriedToTheEndOnceTheEndWasSeen) {
  events.spawn(read_lines());
  turns(3);

  system.deliver(wire->fd(), "last words\n");
  system.deliver_end(wire->fd());
  turns(3);

  EXPECT_THAT(log, ElementsAre("last words", "end"));
}

TEST_F(Readiness, IsTakenFromTheReactorBeforeItsDescriptorIsClosed) {
  events.spawn(read_lines());
  turns(3);
  const int fd = wire->fd();

  wire->close();

  EXPECT_EQ(system.calls().unwatches, 1U);
  EXPECT_EQ(system.generation_of(fd), 0U);
  EXPECT_EQ(events.sources().of(fd), nullptr);
}

TEST_F(Readiness, IgnoresEventsThatMeanNothing) {
  events.spawn(read_lines());
  turns(3);

  for (int round = 0; round < 5; ++round) {
    system.inject({.fd = wire->fd(),
                   .generation = system.generation_of(wire->fd()),
                   .readable = true,
                   .writable = true,
                   .ending = round == 3});
    turns(2);
  }
  system.deliver(wire->fd(), "still here\n");
  turns(2);

  EXPECT_THAT(log, ElementsAre("still here"));
}

TEST_F(Readiness, KeepsTheDeadlineThroughEventsThatMeanNothing) {
  const deadline until = in(50ms);
  text got;
  auto reader = [&]() -> task<> { got = co_await receive(events, wire, line, {}, until); };
  events.spawn(reader());
  poll();
  for (int round = 0; round < 4; ++round) {
    system.advance(10ms);
    system.deliver(wire->fd(), "x");
    turns(2);
  }

  events.run();

  EXPECT_EQ(got, failed(errc::timed_out, "xxxx"));
  EXPECT_EQ(system.now(), until);
}

TEST_F(Readiness, IsTriedOnceMoreAtTheDeadline) {
  text got;
  auto reader = [&]() -> task<> { got = co_await receive(events, wire, line, {}, in(5ms)); };
  events.spawn(reader());
  turns(3);
  system.deliver_silently(wire->fd(), "just in time\n");  // its event is still on the way

  events.run();

  EXPECT_EQ(got, fine("just in time"));
}

TEST_F(Readiness, OfAWriterIsTriedOnceMoreAtTheDeadline) {
  system.make_room(wire->fd(), 2);
  transfer sent;
  auto writer = [&]() -> task<> { sent = co_await send(events, wire, "hello", in(5ms)); };
  events.spawn(writer());
  turns(3);
  system.make_room_silently(wire->fd(), 100);

  events.run();

  EXPECT_FALSE(sent.error);
  EXPECT_EQ(sent.bytes, 5U);
}

TEST_F(Readiness, IsLearntBeforeAnybodyWaits) {
  events.spawn(read_lines());
  system.deliver(wire->fd(), "one\n");
  turns(3);
  EXPECT_THAT(log, ElementsAre("one"));
  wire->close();
  turns(2);

  EXPECT_THAT(log, ElementsAre("one", "end"));
}

TEST_F(Readiness, ThatComesWhileNobodyWaitsIsRemembered) {
  text got;
  auto reader = [&]() -> task<> {
    got = co_await receive(events, wire, line);
    co_await sleep_for(events, 5ms);
    got = co_await receive(events, wire, line);
  };
  events.spawn(reader());
  turns(3);
  system.deliver(wire->fd(), "one\n");
  turns(3);
  system.deliver(wire->fd(), "two\n");
  turns(3);

  events.run();

  EXPECT_EQ(got, fine("two"));
}

TEST_F(Readiness, OfAHolderThatTimesOutGoesToTheNext) {
  // The first has its event and its deadline in one turn; its part is not enough.
  text first;
  text second;
  auto one = [&]() -> task<> { first = co_await receive(events, wire, exactly(10), {}, in(5ms)); };
  auto two = [&]() -> task<> { second = co_await receive(events, wire, line); };
  events.spawn(one());
  events.spawn(two());
  turns(3);

  system.advance(5ms);
  system.deliver(wire->fd(), "abc\n");
  turns(4);
  EXPECT_EQ(first, failed(errc::timed_out, "abc\n"));
  system.deliver(wire->fd(), "def\n");
  turns(3);

  EXPECT_EQ(second, fine("def"));
}

TEST_F(Readiness, SurvivesAWatchThatFails) {
  wire = ref{new stream{system.open()}};
  system.fail_watch(std::make_error_code(std::errc::no_space_on_device));

  EXPECT_EQ(run(events, receive(events, wire, line)), failed(std::make_error_code(std::errc::no_space_on_device)));

  system.deliver(wire->fd(), "hello\n");
  EXPECT_EQ(run(events, receive(events, wire, line)), fine("hello"));
  EXPECT_TRUE(events.finished());
}

TEST_F(Readiness, DoesNotLeaveALargeReceiverTheWholeTurn) {
  text got;
  auto reader = [&]() -> task<> { got = co_await receive(events, wire, all); };
  int turns_seen = 0;
  auto other = [&]() -> task<> {
    for (; got.bytes.empty(); ++turns_seen) co_await yield(events);
  };
  events.spawn(reader());
  events.spawn(other());
  turns(3);
  system.deliver(wire->fd(), std::string(100 * read_buffer::block_size, 'x'));
  system.deliver_end(wire->fd());

  events.run();

  EXPECT_EQ(got.bytes.size(), 100 * read_buffer::block_size);
  EXPECT_GE(turns_seen, 3);
}

}  // namespace
}  // namespace copas
