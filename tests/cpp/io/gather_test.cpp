// Small sends that leave together.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/io/system_reactor.hpp"
#include "support/counting_reactor.hpp"
#include "support/impatient_reactor.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

// A task that answers lines, on the system's reactor, where the calls of it are counted.
class Gather : public ::testing::Test {
 public:
  // Answers each line with itself and a mark, as a server does.
  task<> answer(int lines) {
    for (int count = 0; count < lines; ++count) {
      const text got = co_await receive(events, wire.ours, line);
      if (got.error) co_return;
      const std::string reply = got.bytes + "!\n";
      results.push_back(co_await send(events, wire.ours, reply));
    }
  }

  // What the peer has got when a task that answered the first of two lines has then done `next`.
  template <class Next>
  std::string seen_after(Next next) {
    wire.theirs.send("one\ntwo\n");
    std::string seen = "nothing was tried";
    auto serve = [&]() -> task<> {
      co_await answer(1);
      co_await next();
      seen = wire.theirs.receive_available();
    };
    run(events, serve());
    return seen;
  }

  reactor_calls calls;
  loop events{std::make_unique<counting_reactor>(std::make_unique<impatient_reactor>(system_reactor()), calls)};
  connection wire;
  std::vector<transfer> results;
};

TEST_F(Gather, SendsTheAnswersToLinesThatCameTogetherInOneCall) {
  wire.theirs.send("one\ntwo\nthree\n");
  calls = {};

  run(events, answer(3));

  EXPECT_EQ(wire.theirs.receive_available(), "one!\ntwo!\nthree!\n");
  EXPECT_EQ(calls.sends, 1U);
}

TEST_F(Gather, SendsTheAnswerToALoneRequestAtOnce) {
  wire.theirs.send("one\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n");
}

TEST_F(Gather, HoldsBackWhatIsSmallWhileThereIsMoreInput) {
  EXPECT_EQ(seen_after([]() -> task<> { co_return; }), "");

  EXPECT_EQ(wire.theirs.receive_available(), "one!\n") << "when the task has ended";
}

TEST_F(Gather, SendsEachAtOnceIfThatIsWanted) {
  wire.ours->set_gathering(false);
  wire.theirs.send("one\ntwo\nthree\n");
  calls = {};

  run(events, answer(3));

  EXPECT_EQ(calls.sends, 3U);
}

TEST_F(Gather, SendsWhatItHoldsWhenItIsTurnedOff) {
  auto turn_off = [&]() -> task<> {
    wire.ours->set_gathering(false);
    co_return;
  };

  EXPECT_EQ(seen_after(turn_off), "one!\n");
}

TEST_F(Gather, EndsWhenTheTaskWaits) {
  EXPECT_EQ(seen_after([&]() -> task<> { co_await sleep_for(events, 1s); }), "one!\n");
}

TEST_F(Gather, EndsWhenTheRestOfALineIsMissing) {
  wire.theirs.send("one\ntw");
  events.spawn(answer(2));

  settle(events);

  EXPECT_EQ(wire.theirs.receive_available(), "one!\n");
  wire.theirs.send("o\n");
  settle(events);
  EXPECT_EQ(wire.theirs.receive_available(), "two!\n");
}

TEST_F(Gather, EndsWhenTheTaskSendsToAnotherSocket) {
  connection other;
  auto send_there = [&]() -> task<> { static_cast<void>(co_await send(events, other.ours, "hello")); };

  EXPECT_EQ(seen_after(send_there), "one!\n");
  EXPECT_EQ(other.theirs.receive_available(), "hello");
}

TEST_F(Gather, EndsWhenTheTaskReceivesFromAnotherSocket) {
  connection other;
  other.theirs.send("hello\n");
  auto receive_there = [&]() -> task<> { static_cast<void>(co_await receive(events, other.ours, line)); };

  EXPECT_EQ(seen_after(receive_there), "one!\n");
}

TEST_F(Gather, EndsBeforeTheConnectionIsClosed) {
  wire.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer(1);
    wire.ours->close();
  };

  run(events, serve());

  EXPECT_EQ(wire.theirs.receive_all(), "one!\n");
}

TEST_F(Gather, EndsBeforeThisSideOfTheConversationEnds) {
  wire.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer(1);
    wire.ours->shutdown_send(&events);
  };

  run(events, serve());

  EXPECT_EQ(wire.theirs.receive_all(), "one!\n");
}

TEST_F(Gather, IsOverWhenThisSideOfTheConversationHasEnded) {
  wire.theirs.send("one\ntwo\n");
  transfer late;
  auto serve = [&]() -> task<> {
    co_await receive(events, wire.ours, line);
    wire.ours->shutdown_send(&events);
    late = co_await send(events, wire.ours, "late");
  };

  run(events, serve());

  EXPECT_EQ(late.error, system_error(EPIPE));
}

TEST_F(Gather, EndsWhenSomebodyAsksForTheDescriptor) {
  stream_handle connection{events, wire.ours};
  auto ask = [&]() -> task<> {
    static_cast<void>(connection.fd());
    co_return;
  };

  EXPECT_EQ(seen_after(ask), "one!\n");
}

TEST_F(Gather, EndsAtSixteenKilobytes) {
  const std::string half(9 * 1024, 'x');
  wire.theirs.send("one\ntwo\n");
  std::vector<std::size_t> seen;
  auto serve = [&]() -> task<> {
    co_await receive(events, wire.ours, line);
    for (int count = 0; count < 3; ++count) {
      static_cast<void>(co_await send(events, wire.ours, half));
      seen.push_back(wire.theirs.receive_available().size());
    }
  };

  run(events, serve());

  EXPECT_THAT(seen, ::testing::ElementsAre(0U, 2 * half.size(), 0U));
  EXPECT_EQ(wire.theirs.receive_available().size(), half.size());
}

TEST_F(Gather, DoesNotTakeWhatIsLarge) {
  const std::string large(output_buffer::capacity + 1, 'x');
  auto send_large = [&]() -> task<> { static_cast<void>(co_await send(events, wire.ours, large)); };

  EXPECT_EQ(seen_after(send_large), "one!\n" + large);
}

TEST_F(Gather, CountsAsSentWhatIsHeldBack) {
  wire.theirs.send("one\ntwo\n");
  std::uint64_t counted = 0;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    counted = wire.ours->stats().sent;
  };

  run(events, serve());

  EXPECT_EQ(counted, 5U);
  EXPECT_EQ(wire.ours->stats().sent, 5U);
}

TEST_F(Gather, HoldsNoMemoryWhenEverythingHasLeft) {
  wire.theirs.send("one\ntwo\n");

  run(events, answer(2));

  EXPECT_FALSE(wire.ours->holds_output());
  EXPECT_EQ(wire.ours->flush(&events).bytes, 0U);
}

TEST_F(Gather, LetsTheNextSendSayThatItFailed) {
  wire.theirs.send("one\ntwo\n");
  transfer next;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    ::shutdown(wire.ours->fd(), SHUT_WR);
    co_await sleep_for(events, 1s);
    next = co_await send(events, wire.ours, "more");
  };

  run(events, serve());

  EXPECT_FALSE(results[0].error);
  EXPECT_EQ(next.error, system_error(EPIPE));
  EXPECT_EQ(next.bytes, 0U);
  EXPECT_EQ(wire.ours->stats().sent, 0U);
}

TEST_F(Gather, LetsTheNextReceiveThatFindsNothingSayThatItFailed) {
  wire.theirs.send("one\ntwo\n");
  std::vector<text> next;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    ::shutdown(wire.ours->fd(), SHUT_WR);
    co_await sleep_for(events, 1s);
    for (int count = 0; count < 2; ++count) next.push_back(co_await receive(events, wire.ours, line));
    wire.theirs.send("three\n");
    next.push_back(co_await receive(events, wire.ours, line));
  };

  run(events, serve());

  EXPECT_THAT(next, ::testing::ElementsAre(fine("two"), failed(system_error(EPIPE)), fine("three")));
}

TEST_F(Gather, LetsTheNextReceiveOfWhateverComesSayThatItFailed) {
  wire.theirs.send("one\ntwo\n");
  std::vector<text> next;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    ::shutdown(wire.ours->fd(), SHUT_WR);
    co_await sleep_for(events, 1s);
    for (int count = 0; count < 2; ++count) next.push_back(co_await receive_some(events, wire.ours, 100));
    wire.theirs.send("three\n");
    next.push_back(co_await receive_some(events, wire.ours, 100));
  };

  run(events, serve());

  EXPECT_THAT(next, ::testing::ElementsAre(fine("two\n"), failed(system_error(EPIPE)), fine("three\n")));
}

TEST_F(Gather, LetsTheSendThatSendsItSayThatItFailed) {
  wire.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer(1);
    ::shutdown(wire.ours->fd(), SHUT_WR);
    co_await answer(1);
    co_await answer(0);
  };

  run(events, serve());

  EXPECT_EQ(results[1].error, system_error(EPIPE));
  EXPECT_FALSE(wire.ours->take_failure()) << "it is told once";
}

TEST_F(Gather, LeavesBeforeTheProcessForks) {
  wire.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer(1);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
  };

  run(events, serve());

  EXPECT_EQ(wire.theirs.receive_available(), "one!\n") << "once, and not by the child, too";
}

TEST_F(Gather, LeavesWhenTheProcessExits) {
  wire.theirs.send("one\ntwo\n");
  const pid_t child = ::fork();
  if (child == 0) {
    auto serve = [&]() -> task<> {
      co_await answer(1);
      std::exit(0);
    };
    run(events, serve());
  }
  ::waitpid(child, nullptr, 0);

  EXPECT_EQ(wire.theirs.receive_available(), "one!\n");
}

TEST_F(Gather, LeavesWhenATaskEndsWithAnException) {
  wire.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer(1);
    throw std::runtime_error{"enough"};
  };
  events.spawn(serve());

  EXPECT_THROW(events.run(), std::runtime_error);

  EXPECT_EQ(wire.theirs.receive_available(), "one!\n");
}

TEST_F(Gather, DoesNotLetATaskThatNeverWaitsKeepTheOthersWaiting) {
  wire.theirs.send(std::string(2 * 1000, '\n'));
  int others = 0;
  bool over = false;
  auto serve = [&]() -> task<> {
    co_await answer(1000);
    over = true;
  };
  auto other = [&]() -> task<> {
    while (!over) {
      ++others;
      co_await yield(events);
    }
  };
  events.spawn(serve());
  events.spawn(other());

  events.run();

  EXPECT_GT(others, 10);
}

}  // namespace
}  // namespace copas
