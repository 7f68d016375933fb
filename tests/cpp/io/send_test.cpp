#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <thread>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class Send : public world_test {
 public:
  transfer put(std::string_view bytes, deadline until = never) {
    return run(events, send(events, wire.ours, bytes, until));
  }

  connection wire;
};
INSTANTIATE_TEST_SUITE_P(Worlds, Send, every_world, name_of_world);

TEST_P(Send, SendsAllBytes) {
  const transfer sent = put("hello world");

  EXPECT_FALSE(sent.error);
  EXPECT_EQ(sent.bytes, 11U);
  EXPECT_EQ(wire.theirs.receive(11), "hello world");
}

TEST_P(Send, SendsNothingWhenThereIsNothing) {
  const transfer sent = put("");

  EXPECT_FALSE(sent.error);
  EXPECT_EQ(sent.bytes, 0U);
}

TEST_P(Send, SendsMessagesInOrder) {
  std::string expected;
  for (int count = 0; count < 200; ++count) {
    const std::string message = std::to_string(count) + ";";
    EXPECT_TRUE(put(message));
    expected += message;
  }

  EXPECT_EQ(wire.theirs.receive(expected.size()), expected);
}

TEST_P(Send, CountsWhatItSent) {
  EXPECT_TRUE(put("hello"));
  EXPECT_TRUE(put("you"));

  EXPECT_EQ(wire.ours->stats().sent, 8U);
}

TEST_P(Send, SendsFiftyMegabytes) {
  const std::string bytes = noise(scaled(50'000'000, 150'000));
  std::string got;
  std::thread reader{[&] { got = wire.theirs.receive(bytes.size()); }};

  const transfer sent = put(bytes);
  reader.join();

  EXPECT_FALSE(sent.error);
  EXPECT_EQ(sent.bytes, bytes.size());
  EXPECT_TRUE(got == bytes);
}

TEST_P(Send, LetsOthersRunWhileItWaits) {
  connection narrow{make_narrow_connection()};
  const std::string bytes(scaled(2'000'000, 100'000), 'x');
  std::size_t got = 0;
  auto reader = [&]() -> task<> {
    while (got < bytes.size()) {
      got += narrow.theirs.receive_available().size();
      co_await yield(events);
    }
  };
  events.spawn(reader());

  const transfer sent = run(events, send(events, narrow.ours, bytes));

  EXPECT_EQ(sent.bytes, bytes.size());
}

TEST_P(Send, SaysHowMuchWasSentAtTheDeadlineToAPeerThatNeverReads) {
  connection narrow{make_narrow_connection()};
  const std::string bytes = noise(3'000'000);

  const transfer sent = run(events, send(events, narrow.ours, bytes, events.io().now() + 20ms));
  narrow.ours->close();

  EXPECT_EQ(sent.error, errc::timed_out);
  EXPECT_GT(sent.bytes, 0U);
  EXPECT_LT(sent.bytes, bytes.size());
  EXPECT_TRUE(narrow.theirs.receive_all() == bytes.substr(0, sent.bytes));
}

TEST_P(Send, CanGoOnWhereItTimedOut) {
  connection narrow{make_narrow_connection()};
  const std::string bytes = noise(scaled(1'000'000, 300'000));
  std::string got;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    sent += run(events, send(events, narrow.ours, std::string_view{bytes}.substr(sent), events.io().now() + 1ms)).bytes;
    got += narrow.theirs.receive_available();
  }
  narrow.ours->close();
  got += narrow.theirs.receive_all();

  EXPECT_TRUE(got == bytes);
}

TEST_P(Send, EndsWithWhatWasSentWhenThisSideCloses) {
  connection narrow{make_narrow_connection()};
  const std::string bytes = noise(3'000'000);
  auto closer = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    narrow.ours->close();
  };
  events.spawn(closer());

  const transfer sent = run(events, send(events, narrow.ours, bytes));

  EXPECT_EQ(sent.error, errc::closed);
  EXPECT_TRUE(narrow.theirs.receive_all() == bytes.substr(0, sent.bytes));
}

TEST_P(Send, FailsAtOnceOnAClosedStream) {
  wire.ours->close();

  const transfer sent = put("hello");

  EXPECT_EQ(sent.error, errc::closed);
  EXPECT_EQ(sent.bytes, 0U);
}

TEST_P(Send, ReportsAPeerThatIsGone) {
  wire.theirs.reset();

  const transfer sent = put("hello");

  EXPECT_THAT(sent.error, ::testing::AnyOf(system_error(ECONNRESET), system_error(EPIPE)));
}

TEST_P(Send, ReportsAPeerThatGoesWhileItWaits) {
  connection narrow{make_narrow_connection()};
  const std::string bytes(3'000'000, 'x');
  auto closer = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    narrow.theirs.reset();
  };
  events.spawn(closer());

  const transfer sent = run(events, send(events, narrow.ours, bytes));

  EXPECT_THAT(sent.error, ::testing::AnyOf(system_error(ECONNRESET), system_error(EPIPE)));
  EXPECT_LT(sent.bytes, bytes.size());
}

TEST_P(Send, DoesNotKillTheProcessWhenThePipeIsBroken) {
  wire.theirs.reset();

  EXPECT_FALSE(put("one"));
  const transfer sent = put("two");

  EXPECT_EQ(sent.error, system_error(EPIPE));
}

TEST_P(Send, StopsWhenItIsDestroyed) {
  connection narrow{make_narrow_connection()};
  const std::string bytes = noise(3'000'000);
  {
    scope tasks{events};
    auto writer = [&]() -> task<> { static_cast<void>(co_await send(events, narrow.ours, bytes)); };
    tasks.spawn(writer());
    settle(events);
  }
  const auto sent = narrow.ours->stats().sent;
  EXPECT_TRUE(events.finished());
  narrow.ours->close();

  EXPECT_TRUE(narrow.theirs.receive_all() == bytes.substr(0, sent));
}

TEST_P(Send, WorksWhileTheSameStreamIsRead) {
  const std::size_t lines = scaled(2'000, 300);
  std::size_t echoed = 0;
  auto echo = [&]() -> task<> {
    for (;;) {
      const text got = co_await receive(events, wire.ours, line);
      if (got.error) break;
      const std::string answer = got.bytes + "\n";
      EXPECT_TRUE(co_await send(events, wire.ours, answer));
      ++echoed;
    }
  };
  events.spawn(echo());
  std::string expected;
  std::string answers;
  for (std::size_t count = 0; count < lines; ++count) {
    const std::string message = std::to_string(count * count) + "\n";
    wire.theirs.send(message);
    expected += message;
    events.turn(deadline::min());
    answers += wire.theirs.receive_available();
  }
  wire.theirs.shutdown();
  events.run();
  wire.ours->close();
  answers += wire.theirs.receive_all();

  EXPECT_EQ(echoed, lines);
  EXPECT_EQ(answers, expected);
}

TEST_P(Send, LetsOthersRunThoughThereIsAlwaysRoom) {
  int turns = 0;
  bool done = false;
  auto counter = [&]() -> task<> {
    while (!done) {
      ++turns;
      co_await yield(events);
    }
  };
  auto writer = [&]() -> task<> {
    for (int count = 0; count < 1000; ++count) EXPECT_TRUE(co_await send(events, wire.ours, "x"));
    done = true;
  };
  events.spawn(counter());

  run(events, writer());

  EXPECT_GE(turns, 1000 / 64);
  EXPECT_EQ(wire.theirs.receive(1000), std::string(1000, 'x'));
}

}  // namespace
}  // namespace copas
