// What one reader gets that does not get all it asked for: parts, what abandoned readers leave, and the end.

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/receive_fixture.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

// Parts.

TEST_P(Receive, GivesAPartAtTheDeadline) {
  wire.theirs.send("par\rt");

  EXPECT_EQ(get_until_now(line), failed(errc::timed_out, "part"));
}

TEST_P(Receive, GivesThePrefixAndAPartAtTheDeadline) {
  wire.theirs.send("part");

  EXPECT_EQ(get_until_now(exactly(100), "pre"), failed(errc::timed_out, "prepart"));
  EXPECT_EQ(get_until_now(all, "pre"), failed(errc::timed_out, "pre"));
}

TEST_P(Receive, HasConsumedThePartItGave) {
  wire.theirs.send("part");
  EXPECT_EQ(get_until_now(line), failed(errc::timed_out, "part"));

  wire.theirs.send("ial\n");

  EXPECT_EQ(get(line), fine("ial"));
}

TEST_P(Receive, GivesNothingAtTheDeadlineWhenNothingCame) {
  EXPECT_EQ(get_until_now(line), failed(errc::timed_out));
  EXPECT_EQ(get_until_now(exactly(5)), failed(errc::timed_out));
  EXPECT_EQ(get_until_now(all), failed(errc::timed_out));
  EXPECT_EQ(get_until_now(exactly(0)), failed(errc::timed_out));
}

TEST_P(Receive, GivesAPartWhenThePeerCloses) {
  wire.theirs.send("par\rt");
  wire.theirs.close();

  EXPECT_EQ(get(line, "pre"), failed(errc::closed, "prepart"));
  EXPECT_EQ(get(line), failed(errc::closed));
}

TEST_P(Receive, GivesAPartOfANumberOfBytesWhenThePeerCloses) {
  wire.theirs.send("part");
  wire.theirs.close();

  EXPECT_EQ(get(exactly(100)), failed(errc::closed, "part"));
}

TEST_P(Receive, GivesAPartWhenThisSideCloses) {
  wire.theirs.send("part");
  auto closer = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    wire.ours->close();
  };
  events.spawn(closer());

  EXPECT_EQ(get(line), failed(errc::closed, "part"));
  EXPECT_EQ(get(line), failed(errc::closed));
}

TEST_P(Receive, IsSatisfiedWithOneByteIfAPartWillDo) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("x");
  };
  events.spawn(writer());

  EXPECT_EQ(get(part_of(line)), failed(errc::timed_out, "x"));
}

TEST_P(Receive, WantsAByteBeyondThePrefixIfAPartWillDo) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("x");
  };
  events.spawn(writer());

  EXPECT_EQ(get(part_of(exactly(100)), "pre"), failed(errc::timed_out, "prex"));
}

TEST_P(ReceiveAtOnce, GivesTheWholeIfItIsThereAndAPartWouldDo) {
  wire.theirs.send("whole\nsecond");

  EXPECT_EQ(get(part_of(line)), fine("whole"));
  EXPECT_EQ(get(part_of(exactly(3))), fine("sec"));
  EXPECT_EQ(get(part_of(all)), failed(errc::timed_out, "ond"));
}

TEST_P(Receive, FailsAtTheEndThoughAPartWouldDo) {
  wire.theirs.close();

  EXPECT_EQ(get(part_of(line)), failed(errc::closed));
}

TEST_P(ReceiveAtOnce, PrefersDataToADeadlineThatIsPast) {
  wire.theirs.send("hello\n");

  EXPECT_EQ(get(line, {}, deadline::min()), fine("hello"));
}

// Abandoned receives.

TEST_P(Receive, GivesBackWhatAnAbandonedOneHadTaken) {
  wire.theirs.send("par\r");
  {
    scope tasks{events};
    auto reader = [&]() -> task<> { co_await receive(events, wire.ours, line, "prefix"); };
    tasks.spawn(reader());
    settle(events);
  }
  EXPECT_EQ(wire.ours->stats().received, 0U);

  wire.theirs.send("t\n+");

  EXPECT_EQ(get(exactly(7)), fine("par\rt\n+"));
}

TEST_P(Receive, GivesBackALargeAmountThatAnAbandonedOneHadTaken) {
  const std::string sent = noise(scaled(600'000, 30'000));
  {
    scope tasks{events};
    auto reader = [&]() -> task<> { co_await receive(events, wire.ours, all); };
    tasks.spawn(reader());
    for (std::string_view rest = sent; !rest.empty(); settle(events)) rest.remove_prefix(wire.theirs.send_some(rest));
  }

  EXPECT_EQ(get(exactly(sent.size())), fine(sent));
}

TEST_P(Receive, GivesBackWhatItHadWhenItIsAbandonedAgainAndAgain) {
  std::string expected;
  for (int round = 0; round < 20; ++round) {
    const std::string piece(static_cast<std::size_t>(round) * 50, static_cast<char>('a' + round));
    wire.theirs.send(piece);
    expected += piece;
    scope tasks{events};
    auto reader = [&]() -> task<> { co_await receive(events, wire.ours, round % 2 == 0 ? line : all); };
    tasks.spawn(reader());
    settle(events);
  }
  wire.theirs.close();

  EXPECT_EQ(get(all), fine(expected));
}

TEST_P(Receive, DoesNotGiveOldBytesToANewConnection) {
  wire.theirs.send("old bytes");
  {
    scope tasks{events};
    auto reader = [&]() -> task<> { co_await receive(events, wire.ours, line); };
    tasks.spawn(reader());
    settle(events);
    wire.ours->close();
  }
  connected_pair fresh = make_connection();
  wire.ours->replace(std::move(fresh.ours));

  fresh.theirs.send("new\n");

  EXPECT_EQ(get(line), fine("new"));
}

TEST_P(ReceiveAtOnce, GivesBackALineThatWasReadButNotHandedOver) {
  std::string sent;
  for (int count = 1; count <= 70; ++count) sent += std::to_string(count) + "\r\n";
  wire.theirs.send(sent);
  int lines = 0;
  {
    scope tasks{events};
    auto reader = [&]() -> task<> {
      for (;; ++lines) co_await receive(events, wire.ours, line);
    };
    tasks.spawn(reader());
    while (lines == 0) events.turn(deadline::min());
  }

  EXPECT_EQ(get(line), fine(std::to_string(lines + 1)));
}

// The end of a connection.

TEST_P(Receive, GivesWhatCameBeforeTheEnd) {
  wire.theirs.send("last words\n");
  wire.theirs.close();

  EXPECT_EQ(get(line), fine("last words"));
  EXPECT_EQ(get(line), failed(errc::closed));
}

TEST_P(Receive, SeesAnEndThatComesWithTheData) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("data");
    wire.theirs.close();
  };
  events.spawn(writer());

  EXPECT_EQ(get(exactly(4)), fine("data"));
  EXPECT_EQ(get(line), failed(errc::closed));
}

TEST_P(Receive, SeesAnEndThatComesAfterTheData) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("data");
    co_await sleep_for(events, 1ms);
    wire.theirs.close();
  };
  events.spawn(writer());

  EXPECT_EQ(get(line), failed(errc::closed, "data"));
}

TEST_P(Receive, SeesTheEndAgainEachTimeItAsks) {
  wire.theirs.shutdown();

  for (int round = 0; round < 5; ++round) EXPECT_EQ(get(line), failed(errc::closed));
}

TEST_P(Receive, GoesOnBehindAnUrgentByte) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("abc");
    wire.theirs.send_urgent('!');
    wire.theirs.send("def\n");
  };
  events.spawn(writer());

  EXPECT_EQ(get(line), fine("abcdef"));
}

TEST_P(Receive, GoesOnBehindAnUrgentByteThatWasThereFirst) {
  wire.theirs.send("abc");
  wire.theirs.send_urgent('!');
  wire.theirs.send("def\n");

  EXPECT_EQ(get(line), fine("abcdef"));
}

TEST_P(Receive, GoesOnBehindManyUrgentBytes) {
  auto writer = [&]() -> task<> {
    for (int round = 0; round < 20; ++round) {
      wire.theirs.send("a");
      wire.theirs.send_urgent('!');
      wire.theirs.send("b");
      co_await sleep_for(events, 1ms);  // one that is not read before the next comes turns into data
    }
    wire.theirs.close();
  };
  events.spawn(writer());
  std::string expected;
  for (int round = 0; round < 20; ++round) expected += "ab";

  EXPECT_EQ(get(all), fine(expected));
}

TEST_P(Receive, ReportsAReset) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.reset();
  };
  events.spawn(writer());

  EXPECT_EQ(get(line), failed(system_error(ECONNRESET)));
}

TEST_P(Receive, ReportsAResetWithThePartThatCame) {
  auto reader = receive(events, wire.ours, line);
  auto writer = [&]() -> task<> {
    wire.theirs.send("part");
    co_await sleep_for(events, 10ms);  // a reset discards what was not read
    wire.theirs.reset();
  };
  events.spawn(writer());

  EXPECT_EQ(run(events, std::move(reader)), failed(system_error(ECONNRESET), "part"));
}

TEST_P(Receive, FailsAtOnceOnAClosedStream) {
  wire.ours->close();

  EXPECT_EQ(get(line), failed(errc::closed));
  EXPECT_EQ(get(exactly(3), "ab"), failed(errc::closed, "ab"));
  EXPECT_EQ(run(events, receive_some(events, wire.ours, 10)), failed(errc::closed));
}

}  // namespace
}  // namespace copas
