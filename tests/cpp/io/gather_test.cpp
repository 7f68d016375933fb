// Small sends that leave together.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/io/system_reactor.hpp"
#include "support/counting_reactor.hpp"
#include "support/impatient_reactor.hpp"
#include "support/reactors.hpp"
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
  wire.theirs.send("one\ntwo\n");
  std::string seen = "nothing was tried";
  auto serve = [&]() -> task<> {
    co_await answer(1);
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "");
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
  wire.theirs.send("one\ntwo\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    wire.ours->set_gathering(false);
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n");
}

TEST_F(Gather, EndsWhenTheTaskWaits) {
  wire.theirs.send("one\ntwo\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    co_await sleep_for(events, 1s);
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n");
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

TEST_F(Gather, EndsWhenTheTaskActsOnAnotherSocket) {
  connection other;
  wire.theirs.send("one\ntwo\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    static_cast<void>(co_await send(events, other.ours, "hello"));
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n");
  EXPECT_EQ(other.theirs.receive_available(), "hello");
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
  wire.theirs.send("one\ntwo\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    static_cast<void>(connection.fd());
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n");
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
  wire.theirs.send("one\ntwo\n");
  std::string seen;
  auto serve = [&]() -> task<> {
    co_await answer(1);
    static_cast<void>(co_await send(events, wire.ours, large));
    seen = wire.theirs.receive_available();
  };

  run(events, serve());

  EXPECT_EQ(seen, "one!\n" + large);
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

// What the system does not take at once.
class GatherSlowly : public world_test {
 public:
  // Fills the system's buffers, so that nothing more is taken.
  void fill() {
    const std::string much(1 << 16, 'f');
    ssize_t taken = 0;
    while ((taken = ::send(narrow.ours->fd(), much.data(), much.size(), MSG_DONTWAIT)) > 0) {
      filled += static_cast<std::size_t>(taken);
    }
  }

  // Receives two lines, and answers while the second one is in the buffer and nobody can be told.
  task<> answer_to_nobody() {
    co_await receive(events, narrow.ours, line);
    fill();
    sent = co_await send(events, narrow.ours, answer);
  }

  // What the peer gets of it in the end.
  std::string after_filling() {
    std::string got;
    settle(events);
    for (std::string more; !(more = narrow.theirs.receive_available()).empty();) {
      got += more;
      settle(events);
    }
    return got.substr(filled);
  }

  connection narrow{make_narrow_connection()};
  // More than the system takes later, when it finds a little room after all.
  const std::string answer = std::string(12'000, 'a') + "\n";
  std::size_t filled = 0;
  transfer sent;
};
INSTANTIATE_TEST_SUITE_P(Worlds, GatherSlowly, every_world, name_of_world);

TEST_P(GatherSlowly, SendsTheRestWhenThePeerReads) {
  narrow.theirs.send("one\ntwo\n");
  run(events, answer_to_nobody());

  EXPECT_EQ(after_filling(), answer);
  EXPECT_FALSE(sent.error);
  EXPECT_EQ(sent.bytes, answer.size());
}

TEST_P(GatherSlowly, KeepsTheLoopRunningUntilTheRestIsSent) {
  narrow.theirs.send("one\ntwo\n");
  run(events, answer_to_nobody());

  EXPECT_FALSE(events.finished());
  EXPECT_EQ(after_filling(), answer);
  settle(events);
  EXPECT_TRUE(events.finished());
}

TEST_P(GatherSlowly, SendsWhatComesLaterBehindTheRest) {
  narrow.theirs.send("one\ntwo\n");
  run(events, answer_to_nobody());
  auto later = [&]() -> task<> { static_cast<void>(co_await send(events, narrow.ours, "later\n")); };
  auto another = [&]() -> task<> { static_cast<void>(co_await send(events, narrow.ours, "at last\n")); };
  events.spawn(later());
  events.spawn(another());

  EXPECT_EQ(after_filling(), answer + "later\nat last\n");
}

TEST_P(GatherSlowly, LetsTheNextSendWaitAndTimeOut) {
  narrow.theirs.send("one\ntwo\n");
  run(events, answer_to_nobody());

  const transfer next = run(events, send(events, narrow.ours, "next\n", events.io().now() + 1s));

  EXPECT_EQ(next.error, errc::timed_out);
  EXPECT_EQ(next.bytes, 0U);
  EXPECT_EQ(after_filling(), answer);
}

TEST_P(GatherSlowly, SendsTheRestThoughTheConnectionIsClosed) {
  narrow.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer_to_nobody();
    narrow.ours->close();
  };

  run(events, serve());

  EXPECT_FALSE(narrow.ours->open());
  EXPECT_EQ(after_filling(), answer);
  EXPECT_TRUE(events.finished());
}

TEST_P(GatherSlowly, SendsTheRestOfAConnectionThatIsClosedLater) {
  narrow.theirs.send("one\ntwo\n");
  run(events, answer_to_nobody());
  settle(events);

  narrow.ours->close();

  EXPECT_EQ(after_filling(), answer);
  EXPECT_TRUE(events.finished());
}

TEST_P(GatherSlowly, GivesUpAClosedConnectionWhenTheTimeForSendingIsOver) {
  narrow.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await receive(events, narrow.ours, line);
    fill();
    static_cast<void>(co_await send(events, narrow.ours, answer, events.io().now() + 10s));
    narrow.ours->close();
  };
  events.spawn(serve());

  events.run();

  EXPECT_LT(narrow.theirs.receive_all().size(), filled + answer.size());
}

TEST_P(GatherSlowly, ClosesAConnectionThatNobodyHasWhenTheTimeForSendingIsOver) {
  narrow.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await receive(events, narrow.ours, line);
    fill();
    EXPECT_TRUE(narrow.ours->gather(events, std::as_bytes(std::span{"answer\n", 7}), {.timeout = 10s}));
    narrow.ours = ref{new stream{unique_fd{}}};
  };
  events.spawn(serve());

  events.run();

  EXPECT_EQ(narrow.theirs.receive_all().size(), filled);
}

TEST_P(GatherSlowly, EndsTheConversationBehindTheRest) {
  narrow.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await answer_to_nobody();
    narrow.ours->shutdown_send(&events);
  };

  run(events, serve());

  EXPECT_EQ(after_filling(), answer);
  EXPECT_EQ(narrow.theirs.receive_all(), "");
}

TEST_P(GatherSlowly, ForgetsTheRestWhenTheLoopEnds) {
  auto own = std::make_unique<loop>(make_reactor(GetParam()));
  narrow.theirs.send("one\ntwo\n");
  auto serve = [&]() -> task<> {
    co_await receive(*own, narrow.ours, line);
    fill();
    static_cast<void>(co_await send(*own, narrow.ours, answer));
  };
  run(*own, serve());

  own.reset();
  narrow.ours->close();

  EXPECT_LT(narrow.theirs.receive_all().size(), filled + answer.size());
}

TEST_P(GatherSlowly, AnswersAPeerThatSendsALotBeforeItReads) {
  constexpr int lines = 2000;
  std::string expected;
  for (int count = 0; count < lines; ++count) expected += std::to_string(count) + "\n";
  auto echo = [&]() -> task<> {
    for (int count = 0; count < lines; ++count) {
      const text got = co_await receive(events, narrow.ours, line);
      const std::string reply = got.bytes + "\n";
      EXPECT_TRUE(co_await send(events, narrow.ours, reply));
    }
    narrow.ours->close();
  };
  events.spawn(echo());
  std::string got;
  for (std::size_t asked = 0; got.size() < expected.size();) {
    asked += narrow.theirs.send_some(std::string_view{expected}.substr(asked));
    settle(events);
    got += narrow.theirs.receive_available();
  }

  EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace copas
