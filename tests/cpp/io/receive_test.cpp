// What one reader gets, when all goes well.

#include <gmock/gmock.h>

#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "copas/core/sleep.hpp"
#include "support/receive_fixture.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

INSTANTIATE_TEST_SUITE_P(Worlds, Receive, every_world, name_of_world);
INSTANTIATE_TEST_SUITE_P(Worlds, ReceiveAtOnce, ::testing::Values(world::plain), name_of_world);

// Lines.

TEST_P(Receive, GivesALineWithoutItsEnd) {
  wire.theirs.send("hello\n");

  EXPECT_EQ(get(line), fine("hello"));
}

TEST_P(Receive, WaitsForALine) {
  auto reader = receive(events, wire.ours, line);
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("hel");
    co_await sleep_for(events, 1ms);
    wire.theirs.send("lo\n");
  };
  events.spawn(writer());

  EXPECT_EQ(run(events, std::move(reader)), fine("hello"));
}

TEST_P(Receive, GivesLinesOneByOne) {
  wire.theirs.send("one\ntwo\nthree\n");

  EXPECT_EQ(get(line), fine("one"));
  EXPECT_EQ(get(line), fine("two"));
  EXPECT_EQ(get(line), fine("three"));
}

TEST_P(Receive, DropsEachCarriageReturnOfALine) {
  wire.theirs.send("a\rb\r\r\n\r\n\rc\n");

  EXPECT_EQ(get(line), fine("ab"));
  EXPECT_EQ(get(line), fine(""));
  EXPECT_EQ(get(line), fine("c"));
}

TEST_P(Receive, GivesEmptyLines) {
  wire.theirs.send("\n\n\nx\n");

  for (const std::string expected : {"", "", "", "x"}) EXPECT_EQ(get(line), fine(expected));
}

TEST_P(Receive, KeepsAllOtherBytesOfALine) {
  const std::string odd{"\0\x01\xFF\t\x80 \0", 7};
  wire.theirs.send(odd + "\n");

  EXPECT_EQ(get(line), fine(odd));
}

TEST_P(Receive, PutsThePrefixInFrontOfALine) {
  wire.theirs.send("world\r\n");

  EXPECT_EQ(get(line, "hello\r "), fine("hello\r world"));
}

TEST_P(Receive, GivesALineLongerThanManyBuffers) {
  std::string sent = noise(scaled(3'000'000, 60'000));
  std::erase(sent, '\n');
  std::string expected = sent;
  std::erase(expected, '\r');
  auto writer = [](loop& home, peer& to, std::string bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest));
      co_await yield(home);
    }
  };
  events.spawn(writer(events, wire.theirs, sent + "\nnext\n"));

  EXPECT_EQ(get(line), fine(expected));
  EXPECT_EQ(get(line), fine("next"));
}

TEST_P(Receive, GivesLinesThatCrossTheEndOfABuffer) {
  std::string first(read_buffer::block_size - 3, 'a');
  wire.theirs.send(first + "\nbbbbbb\r\ncc\n");

  EXPECT_EQ(get(line), fine(first));
  EXPECT_EQ(get(line), fine("bbbbbb"));
  EXPECT_EQ(get(line), fine("cc"));
}

// Everything.

TEST_P(Receive, GivesEverythingUpToTheEnd) {
  wire.theirs.send("one\r\ntwo\n");
  wire.theirs.close();

  EXPECT_EQ(get(all), fine("one\r\ntwo\n"));
}

TEST_P(Receive, GivesMuchUpToTheEnd) {
  const std::string sent = noise(scaled(2'000'000, 60'000));
  auto writer = [](loop& home, peer& to, const std::string& bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest));
      co_await yield(home);
    }
    to.close();
  };
  events.spawn(writer(events, wire.theirs, sent));

  EXPECT_EQ(get(all), fine(sent));
}

TEST_P(Receive, PutsThePrefixInFrontOfEverything) {
  wire.theirs.send("world");
  wire.theirs.close();

  EXPECT_EQ(get(all, "hello "), fine("hello world"));
}

TEST_P(Receive, FailsToGetEverythingWhenThereIsNothing) {
  wire.theirs.close();

  EXPECT_EQ(get(all), failed(errc::closed));
  EXPECT_EQ(get(all, "prefix"), failed(errc::closed, "prefix"));
}

// Numbers of bytes.

TEST_P(Receive, GivesANumberOfBytes) {
  wire.theirs.send("hello world");

  EXPECT_EQ(get(exactly(5)), fine("hello"));
  EXPECT_EQ(get(exactly(6)), fine(" world"));
}

TEST_P(Receive, KeepsCarriageReturnsAmongANumberOfBytes) {
  wire.theirs.send("a\r\nb\r\n");

  EXPECT_EQ(get(exactly(6)), fine("a\r\nb\r\n"));
}

TEST_P(Receive, WaitsForTheLastOfANumberOfBytes) {
  wire.theirs.send("hell");
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("o!");
  };
  events.spawn(writer());

  EXPECT_EQ(get(exactly(5)), fine("hello"));
  EXPECT_EQ(get(exactly(1)), fine("!"));
}

TEST_P(Receive, CountsThePrefix) {
  wire.theirs.send("world");

  EXPECT_EQ(get(exactly(8), "hello "), fine("hello wo"));
  EXPECT_EQ(get(exactly(3)), fine("rld"));
}

TEST_P(Receive, GivesAPrefixThatIsLongEnoughWithoutReading) {
  EXPECT_EQ(get(exactly(3), "hello"), fine("hello"));
  EXPECT_EQ(get(exactly(5), "hello"), fine("hello"));
  EXPECT_EQ(get(exactly(0), "hello"), fine("hello"));
}

TEST_P(Receive, WaitsUntilSomethingIsThereForNoBytes) {
  bool sent = false;
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    sent = true;
    wire.theirs.send("x");
  };
  events.spawn(writer());

  EXPECT_EQ(get(exactly(0)), fine(""));
  EXPECT_TRUE(sent);
  EXPECT_EQ(get(exactly(0)), fine(""));
  EXPECT_EQ(get(exactly(1)), fine("x"));
}

TEST_P(Receive, FailsToGetNoBytesAtTheEnd) {
  wire.theirs.close();

  EXPECT_EQ(get(exactly(0)), failed(errc::closed));
}

TEST_P(Receive, GivesALargeNumberOfBytesAndNotOneMore) {
  const std::size_t count = scaled(700'000, 40'000);
  const std::string sent = noise(count + 10);
  auto writer = [](loop& home, peer& to, const std::string& bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest.substr(0, 10'000)));
      co_await yield(home);
    }
  };
  events.spawn(writer(events, wire.theirs, sent));

  EXPECT_EQ(get(exactly(count)), fine(sent.substr(0, count)));
  EXPECT_EQ(get(exactly(10)), fine(sent.substr(count)));
}

TEST_P(Receive, CompletesALargePrefix) {
  const std::size_t count = scaled(700'000, 40'000);
  const std::string sent = noise(count);
  const std::string prefix = sent.substr(0, count / 2);
  auto writer = [](loop& home, peer& to, std::string bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest));
      co_await yield(home);
    }
  };
  events.spawn(writer(events, wire.theirs, sent.substr(count / 2) + "rest"));

  EXPECT_EQ(get(exactly(count), prefix), fine(sent));
  EXPECT_EQ(get(exactly(4)), fine("rest"));
}

// What one pattern leaves is there for the next.

TEST_P(Receive, LosesNothingWhenThePatternChanges) {
  wire.theirs.send("line\r\n12345\r\nrest\nof it");
  wire.theirs.shutdown();

  EXPECT_EQ(get(line), fine("line"));
  EXPECT_EQ(get(exactly(3)), fine("123"));
  EXPECT_EQ(get(exactly(0)), fine(""));
  EXPECT_EQ(get(line), fine("45"));
  const text some = run(events, receive_some(events, wire.ours, 1));
  EXPECT_EQ(some, fine("r"));
  EXPECT_EQ(get(all), fine("est\nof it"));
}

// One reader against a model, with everything random.
TEST_P(Receive, GivesWhatASimpleParserWould) {
  std::mt19937 random{17};
  const std::string sent = noise(scaled(400'000, 50'000), 5);
  auto writer = [](loop& home, peer& to, std::string_view rest, unsigned seed) -> task<> {
    std::mt19937 chunks{seed};
    while (!rest.empty()) {
      const std::size_t size = chunks() % 3 == 0 ? chunks() % 40'000 : chunks() % 100 + 1;
      rest.remove_prefix(to.send_some(rest.substr(0, size)));
      if (chunks() % 4 == 0) co_await yield(home);
      if (chunks() % 64 == 0) co_await sleep_for(home, 50us);
    }
    to.close();
  };
  events.spawn(writer(events, wire.theirs, sent, 18));

  std::string_view expected = sent;
  while (!expected.empty()) {
    const auto choice = random() % 4;
    if (choice < 2) {
      const std::size_t end = expected.find('\n');
      const bool ends = end == std::string_view::npos;
      std::string wanted{expected.substr(0, end)};
      std::erase(wanted, '\r');
      ASSERT_EQ(get(line), ends ? failed(errc::closed, wanted) : fine(wanted));
      expected.remove_prefix(ends ? expected.size() : end + 1);
    } else if (choice == 2) {
      const std::size_t count =
          std::min<std::size_t>(random() % 10 == 0 ? random() % 70'000 : random() % 200, expected.size());
      ASSERT_EQ(get(exactly(count)), fine(std::string{expected.substr(0, count)}));
      expected.remove_prefix(count);
    } else {
      const text some = run(events, receive_some(events, wire.ours, random() % 50 + 1));
      ASSERT_FALSE(some.error);
      ASSERT_EQ(some.bytes, expected.substr(0, some.bytes.size()));
      ASSERT_FALSE(some.bytes.empty());
      expected.remove_prefix(some.bytes.size());
    }
  }

  EXPECT_EQ(get(line), failed(errc::closed));
}

// Some bytes.

TEST_P(Receive, SomeGivesAtLeastOneByte) {
  auto writer = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("hello");
  };
  events.spawn(writer());

  const text some = run(events, receive_some(events, wire.ours, 100));

  EXPECT_FALSE(some.error);
  EXPECT_GE(some.bytes.size(), 1U);
  EXPECT_EQ(std::string{"hello"}.substr(0, some.bytes.size()), some.bytes);
}

TEST_P(Receive, SomeGivesNoMoreThanThereIsRoomFor) {
  wire.theirs.send("hello");

  std::string got;
  while (got.size() < 5) got += run(events, receive_some(events, wire.ours, 2)).bytes;

  EXPECT_EQ(got, "hello");
}

TEST_P(Receive, SomeGivesWhatTheBufferHoldsFirst) {
  wire.theirs.send("line\nbuffered");
  EXPECT_EQ(get(line), fine("line"));
  wire.theirs.shutdown();

  std::string got;
  for (;;) {
    const text some = run(events, receive_some(events, wire.ours, 5));
    got += some.bytes;
    if (some.error) break;
  }

  EXPECT_EQ(got, "buffered");
}

TEST_P(Receive, SomeGivesUpAtTheDeadline) {
  EXPECT_EQ(run(events, receive_some(events, wire.ours, 5, events.io().now() + 5ms)), failed(errc::timed_out));
}

TEST_P(Receive, SomeReportsTheEnd) {
  wire.theirs.close();

  EXPECT_EQ(run(events, receive_some(events, wire.ours, 5)), failed(errc::closed));
}

// Statistics.

TEST_P(Receive, CountsBytesTakenWithTheirLineEnds) {
  wire.theirs.send("a\rb\r\nrest");
  EXPECT_EQ(get(line), fine("ab"));
  EXPECT_EQ(wire.ours->stats().received, 5U);

  EXPECT_EQ(get(exactly(2)), fine("re"));
  EXPECT_EQ(wire.ours->stats().received, 7U);
  wire.theirs.close();
  EXPECT_EQ(get(all), fine("st"));

  EXPECT_EQ(wire.ours->stats().received, 9U);
}

// Fairness.

TEST_P(Receive, LetsOthersRunThoughItsDataIsAlwaysThere) {
  std::string sent;
  for (int count = 0; count < 1000; ++count) sent += "x\n";
  wire.theirs.send(sent);
  int turns = 0;
  bool done = false;
  auto counter = [&]() -> task<> {
    while (!done) {
      ++turns;
      co_await yield(events);
    }
  };
  auto reader = [&]() -> task<> {
    for (int count = 0; count < 1000; ++count) co_await receive(events, wire.ours, line);
    done = true;
  };
  events.spawn(counter());

  run(events, reader());

  EXPECT_GE(turns, 1000 / 64);
}

TEST_P(ReceiveAtOnce, LetsOthersRunWhileItReadsOneLargeAmount) {
  const std::size_t size = 3'000'000;
  int turns = 0;
  bool done = false;
  auto counter = [&]() -> task<> {
    while (!done) {
      ++turns;
      co_await yield(events);
    }
  };
  auto writer = [](loop& home, peer& to, std::string bytes) -> task<> {
    for (std::string_view rest = bytes; !rest.empty();) {
      rest.remove_prefix(to.send_some(rest));
      co_await yield(home);
    }
    to.send("\n");
  };
  events.spawn(counter());
  events.spawn(writer(events, wire.theirs, std::string(size, 'x')));

  EXPECT_EQ(get(line).bytes.size(), size);
  done = true;

  EXPECT_GE(turns, static_cast<int>(size / read_buffer::block_size / 16));
}

}  // namespace
}  // namespace copas
