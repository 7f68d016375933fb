// Several operations on one side of a stream: who gets what, and in which order.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// With scripted descriptors, where each byte comes when the test says so.
class SharedStream : public virtual_loop_test {
 public:
  task<> read(std::string name, receive_pattern pattern = line, deadline until = never) {
    const text got = co_await receive(events, wire, pattern, {}, until);
    if (got.error) name.append("!").append(got.error.message());
    log.push_back(name + ":" + got.bytes);
  }
  void turns(int count) {
    for (int turn = 0; turn < count; ++turn) poll();
  }
  void deliver(std::string_view bytes) {
    system.deliver(wire->fd(), bytes);
    turns(3);
  }

  ref<stream> wire{new stream{system.open()}};
  ref<stream> second{new stream{system.open()}};
  std::vector<std::string> log;
};

TEST_F(SharedStream, ServesReadersInTheOrderInWhichTheyCame) {
  for (const char* name : {"a", "b", "c"}) events.spawn(read(name));
  turns(3);

  deliver("1\n");
  deliver("2\n");
  deliver("3\n");

  EXPECT_THAT(log, ElementsAre("a:1", "b:2", "c:3"));
}

TEST_F(SharedStream, ServesAllReadersWhoseDataCameInOnePiece) {
  for (const char* name : {"a", "b", "c"}) events.spawn(read(name));
  turns(3);

  deliver("1\n2\n3\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("a:1", "b:2", "c:3"));
}

TEST_F(SharedStream, ServesOneReaderInEachTurn) {
  const auto read_and_yield = [&]() -> task<> {
    co_await read("a");
    co_await yield(events);
    log.emplace_back("a again");
  };
  events.spawn(read_and_yield());
  events.spawn(read("b"));
  turns(3);

  system.deliver(wire->fd(), "1\n2\n");
  turns(1);
  EXPECT_THAT(log, ElementsAre("a:1", "a again"));
  turns(1);

  EXPECT_THAT(log, ElementsAre("a:1", "a again", "b:2"));
}

TEST_F(SharedStream, SendsAReaderThatGotPartToTheBackWithItsPart) {
  events.spawn(read("a"));
  events.spawn(read("b"));
  turns(3);

  deliver("begin-");
  deliver("whole\n");
  EXPECT_THAT(log, ElementsAre("b:whole"));
  deliver("end\n");

  EXPECT_THAT(log, ElementsAre("b:whole", "a:begin-end"));
}

TEST_F(SharedStream, LetsNobodyTryWhileOthersWait) {
  events.spawn(read("a"));
  turns(3);
  system.deliver(wire->fd(), "1\n2\n");
  events.spawn(read("barger"));

  turns(3);

  EXPECT_THAT(log, ElementsAre("a:1", "barger:2"));
}

TEST_F(SharedStream, LetsNobodyTryWhileTheOneWhoseTurnItIsHasNotRun) {
  auto other = [&]() -> task<> {
    co_await receive(events, second, line);
    co_await read("barger");
  };
  events.spawn(other());
  events.spawn(read("a"));
  turns(3);

  system.deliver(second->fd(), "go\n");
  system.deliver(wire->fd(), "1\n2\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("a:1", "barger:2"));
}

TEST_F(SharedStream, ServesTheNextWhenTheFirstIsDestroyed) {
  scope first{events};
  first.spawn(read("a"));
  turns(3);
  events.spawn(read("b"));
  turns(3);

  first.cancel();
  deliver("1\n");

  EXPECT_THAT(log, ElementsAre("b:1"));
}

TEST_F(SharedStream, ServesTheNextWhenTheFirstIsDestroyedAfterItWasWoken) {
  scope first{events};
  auto killer = [&]() -> task<> {
    co_await receive(events, second, line);
    first.cancel();
  };
  events.spawn(killer());
  first.spawn(read("a"));
  events.spawn(read("b"));
  turns(3);

  system.deliver(second->fd(), "go\n");
  system.deliver(wire->fd(), "1\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("b:1"));
}

TEST_F(SharedStream, GivesThePartOfADestroyedReaderToTheNext) {
  scope first{events};
  first.spawn(read("a"));
  events.spawn(read("b"));
  turns(3);
  deliver("be");  // for a, which goes to the back
  deliver("gin ");  // for b, which goes to the back

  first.cancel();
  deliver("end\n");

  ASSERT_THAT(log, ElementsAre(::testing::StartsWith("b:")));
  EXPECT_THAT(log.front(), ::testing::AnyOf("b:gin beend"));
}

TEST_F(SharedStream, WakesTheNextForAWholeLineThatADestroyedReaderGaveBack) {
  scope first{events};
  first.spawn(read("a", exactly(100)));
  events.spawn(read("b"));
  turns(3);
  deliver("line\n");  // part of what a wants

  first.cancel();
  turns(3);

  EXPECT_THAT(log, ElementsAre("b:line"));
}

TEST_F(SharedStream, ServesTheOthersAfterOneTimedOut) {
  events.spawn(read("a", line, in(5ms)));
  events.spawn(read("b"));
  turns(3);
  system.advance(5ms);
  turns(3);
  EXPECT_THAT(log, ElementsAre("a!timeout:"));

  deliver("1\n");

  EXPECT_THAT(log, ElementsAre("a!timeout:", "b:1"));
}

TEST_F(SharedStream, ServesTheFirstThoughOneBehindItTimedOut) {
  events.spawn(read("a"));
  events.spawn(read("b", line, in(5ms)));
  events.spawn(read("c"));
  turns(3);
  system.advance(5ms);
  turns(3);

  deliver("1\n2\n");

  EXPECT_THAT(log, ElementsAre("b!timeout:", "a:1", "c:2"));
}

TEST_F(SharedStream, GivesThePartOfOneThatTimedOutToItAndTheRestToTheNext) {
  events.spawn(read("a", line, in(5ms)));
  events.spawn(read("b"));
  turns(3);
  deliver("part");
  system.advance(5ms);
  turns(3);

  deliver("1\n");

  EXPECT_THAT(log, ElementsAre("a!timeout:part", "b:1"));
}

TEST_F(SharedStream, TellsAllReadersOfTheEnd) {
  for (const char* name : {"a", "b", "c"}) events.spawn(read(name));
  turns(3);
  system.deliver(wire->fd(), "1\nrest");
  system.deliver_end(wire->fd());

  turns(8);

  EXPECT_THAT(log, ElementsAre("a:1", "b!closed:rest", "c!closed:"));
  EXPECT_TRUE(events.finished());
}

TEST_F(SharedStream, WakesEverybodyWhenItIsClosed) {
  for (const char* name : {"a", "b", "c"}) events.spawn(read(name));
  turns(3);
  deliver("part");

  wire->close();
  turns(3);

  EXPECT_THAT(log, ElementsAre("b!closed:", "c!closed:", "a!closed:part"));
  EXPECT_TRUE(events.finished());
}

TEST_F(SharedStream, WakesReadersInTheNextTurnBeforeWhatIsReadyWhenItIsClosed) {
  const auto note = [&](const char* what) -> task<> {
    log.emplace_back(what);
    co_return;
  };
  const auto close = [&]() -> task<> {
    events.spawn(note("ready"));
    wire->close();
    log.emplace_back("closer");
    co_return;
  };
  for (const char* name : {"a", "b"}) events.spawn(read(name));
  turns(2);
  events.spawn(close());

  turns(1);
  EXPECT_THAT(log, ElementsAre("closer"));
  turns(1);

  EXPECT_THAT(log, ElementsAre("closer", "a!closed:", "b!closed:", "ready"));
}

TEST_F(SharedStream, WakesAReaderThatTheCloserOvertook) {
  auto closer = [&]() -> task<> {
    co_await receive(events, second, line);
    wire->close();
    co_await read("closer");
  };
  events.spawn(closer());
  events.spawn(read("a"));
  turns(3);

  system.deliver(second->fd(), "go\n");
  system.deliver(wire->fd(), "1\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("closer!closed:", "a!closed:"));
}

TEST_F(SharedStream, ReadsAndWritesAtTheSameTime) {
  system.make_room(wire->fd(), 0);
  transfer sent;
  auto writer = [&]() -> task<> { sent = co_await send(events, wire, "out"); };
  events.spawn(writer());
  events.spawn(read("a"));
  turns(3);

  deliver("in\n");
  EXPECT_THAT(log, ElementsAre("a:in"));
  EXPECT_EQ(sent.bytes, 0U);
  system.make_room(wire->fd(), 100);
  turns(3);

  EXPECT_EQ(sent.bytes, 3U);
  EXPECT_EQ(system.sent(wire->fd()), "out");
}

// Writers.

class SharedWriters : public SharedStream {
 public:
  task<> write(std::string name, std::string_view bytes, deadline until = never) {
    const transfer sent = co_await send(events, wire, bytes, until);
    if (sent.error) name.append("!").append(sent.error.message());
    log.push_back(name + ":" + std::to_string(sent.bytes));
  }
  void make_room(std::size_t bytes) {
    system.make_room(wire->fd(), bytes);
    turns(3);
  }
};

TEST_F(SharedWriters, KeepTheirMessagesWhole) {
  system.make_room(wire->fd(), 3);
  events.spawn(write("a", "aaaaaa"));
  events.spawn(write("b", "bbbb"));
  events.spawn(write("c", "cc"));
  turns(3);

  for (int step = 0; step < 10; ++step) make_room(2);

  EXPECT_EQ(system.sent(wire->fd()), "aaaaaabbbbcc");
  EXPECT_THAT(log, ElementsAre("a:6", "b:4", "c:2"));
}

TEST_F(SharedWriters, DoNotOvertake) {
  system.make_room(wire->fd(), 2);
  events.spawn(write("a", "aaaa"));
  turns(3);
  system.make_room(wire->fd(), 100);
  events.spawn(write("b", "bb"));  // there is room, but a was first

  turns(4);

  EXPECT_EQ(system.sent(wire->fd()), "aaaabb");
}

TEST_F(SharedWriters, GoOnAfterOneTimedOut) {
  system.make_room(wire->fd(), 2);
  events.spawn(write("a", "aaaa", in(5ms)));
  events.spawn(write("b", "bb"));
  turns(3);
  system.advance(5ms);
  turns(3);

  make_room(100);

  EXPECT_THAT(log, ElementsAre("a!timeout:2", "b:2"));
  EXPECT_EQ(system.sent(wire->fd()), "aabb");
}

TEST_F(SharedWriters, GoOnAfterOneWasDestroyed) {
  system.make_room(wire->fd(), 2);
  scope first{events};
  first.spawn(write("a", "aaaa"));
  turns(3);
  events.spawn(write("b", "bb"));
  turns(3);

  first.cancel();
  make_room(100);

  EXPECT_THAT(log, ElementsAre("b:2"));
  EXPECT_EQ(system.sent(wire->fd()), "aabb");
}

TEST_F(SharedWriters, AreAllWokenWithWhatTheySentWhenTheStreamIsClosed) {
  system.make_room(wire->fd(), 2);
  const int fd = wire->fd();
  events.spawn(write("a", "aaaa"));
  events.spawn(write("b", "bb"));
  turns(3);

  wire->close();
  turns(3);

  EXPECT_THAT(log, ElementsAre("a!closed:2", "b!closed:0"));
  EXPECT_EQ(system.sent(fd), "aa");
  EXPECT_TRUE(events.finished());
}

// The same things happen on real sockets, whatever the reactor does.

class SharedSocket : public world_test {
 public:
  connection wire;
};
INSTANTIATE_TEST_SUITE_P(Worlds, SharedSocket, every_world, name_of_world);

TEST_P(SharedSocket, ServesManyReaders) {
  std::multimap<std::string, int> got;
  auto reader = [&](int id) -> task<> { got.emplace((co_await receive(events, wire.ours, line)).bytes, id); };
  for (int id = 0; id < 50; ++id) events.spawn(reader(id));
  settle(events);

  std::string sent;
  for (int count = 0; count < 50; ++count) sent += "x\n";
  wire.theirs.send(sent);
  events.run();

  EXPECT_EQ(got.size(), 50U);
  std::string all_bytes;
  for (const auto& [bytes, id] : got) all_bytes += bytes;
  EXPECT_EQ(all_bytes, std::string(50, 'x'));
}

TEST_P(SharedSocket, KeepsMessagesOfManyWritersWhole) {
  connection narrow{make_narrow_connection()};
  const std::size_t size = scaled(200'000, 5'000);
  int done = 0;
  std::vector<std::string> messages;
  for (int id = 0; id < 5; ++id) messages.emplace_back(size, static_cast<char>('a' + id));
  auto writer = [&](std::string_view message) -> task<> {
    const transfer sent = co_await send(events, narrow.ours, message);
    EXPECT_EQ(sent.bytes, size);
    ++done;
  };
  for (const std::string& message : messages) events.spawn(writer(message));

  std::string got;
  while (done < 5) {
    events.turn(deadline::min());
    got += narrow.theirs.receive_available();
  }
  narrow.ours->close();
  got += narrow.theirs.receive_all();

  EXPECT_EQ(got, messages[0] + messages[1] + messages[2] + messages[3] + messages[4]);
}

TEST_P(SharedSocket, WakesReadersAndWritersWhenItIsClosed) {
  connection narrow{make_narrow_connection()};
  const std::string much(5'000'000, 'x');
  std::vector<std::error_code> errors;
  auto reader = [&]() -> task<> { errors.push_back((co_await receive(events, narrow.ours, line)).error); };
  auto writer = [&]() -> task<> { errors.push_back((co_await send(events, narrow.ours, much)).error); };
  for (int count = 0; count < 3; ++count) {
    events.spawn(reader());
    events.spawn(writer());
  }
  for (int turn = 0; turn < 20; ++turn) events.turn(deadline::min());

  narrow.ours->close();
  events.run();

  EXPECT_THAT(errors, ::testing::AllOf(::testing::SizeIs(6), ::testing::Each(make_error_code(errc::closed))));
}

TEST_P(SharedSocket, LosesNothingToReadersThatComeAndGo) {
  std::ptrdiff_t received = 0;
  scope impatient{events};
  auto count = [&](const text& got) { received += std::ranges::count(got.bytes, 'x'); };
  auto patient = [&]() -> task<> {
    for (std::error_code error; !error;) {
      const text got = co_await receive(events, wire.ours, line);
      error = got.error;
      count(got);
    }
  };
  auto hasty = [&]() -> task<> { count(co_await receive(events, wire.ours, line, {}, events.io().now() + 1us)); };
  events.spawn(patient());
  std::ptrdiff_t sent = 0;
  for (int round = 0; round < 300; ++round) {
    if (round % 3 == 0) impatient.spawn(hasty());
    if (round % 7 == 0) impatient.cancel();
    if (round % 2 == 0) {
      wire.theirs.send("x\n");
      ++sent;
    }
    events.turn(deadline::min());
  }
  wire.theirs.close();

  events.run();

  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace copas
