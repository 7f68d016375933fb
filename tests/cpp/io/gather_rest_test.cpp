// Gathered sends that the system does not take at once.

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "copas/io/stream_handle.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

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
