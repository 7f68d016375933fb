// Operations on datagrams, where the test is the system.
#include "copas/io/datagram.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/io/retried.hpp"
#include "support/run.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Datagram : public virtual_loop_test {
 public:
  ref<socket> ours{new socket{system.open()}};
  std::vector<std::string> log;

  task<> receive(std::string who, deadline until = never, std::size_t room = 100) {
    std::array<char, 100> space;
    const datagram got = co_await receive_datagram_operation{
        &events, ours, std::as_writable_bytes(std::span{space}.first(room)), nullptr, until};
    log.push_back(who + ": " + (got ? std::string{space.data(), got.bytes} : got.error.message()) +
                  (got.truncated ? " ..." : ""));
  }
  task<> send(std::string_view bytes, deadline until = never) {
    const transfer sent = co_await send_datagram_operation{&events, ours, std::as_bytes(std::span{bytes}), {}, until};
    log.push_back(sent ? "sent " + std::to_string(sent.bytes) : sent.error.message());
  }
  [[nodiscard]] int fd() const { return ours->fd(); }
};

TEST_F(Datagram, IsReceivedAtOnceIfItIsThere) {
  system.deliver_datagram(fd(), "hello");

  run(events, receive("a"));

  EXPECT_THAT(log, ElementsAre("a: hello"));
  EXPECT_EQ(system.calls().watches, 0U);
}

TEST_F(Datagram, GoesToThoseWhoWaitInTheirOrder) {
  for (const char* who : {"a", "b", "c"}) events.spawn(receive(who));
  settle(events);

  for (const char* bytes : {"1", "2", "3"}) system.deliver_datagram(fd(), bytes);
  events.run();

  EXPECT_THAT(log, ElementsAre("a: 1", "b: 2", "c: 3"));
}

TEST_F(Datagram, IsNotTakenByOneWhoComesWhileOthersWait) {
  events.spawn(receive("first"));
  settle(events);
  system.deliver_datagram(fd(), "1");
  events.spawn(receive("second"));

  system.deliver_datagram(fd(), "2");
  events.run();

  EXPECT_THAT(log, ElementsAre("first: 1", "second: 2"));
}

TEST_F(Datagram, OfManyThatCameWithOneEventIsNotForgotten) {
  for (const char* who : {"a", "b"}) events.spawn(receive(who));
  settle(events);

  system.deliver_datagram(fd(), "1");
  settle(events);
  system.deliver_datagram(fd(), "2");
  events.run();

  EXPECT_THAT(log, ElementsAre("a: 1", "b: 2"));
}

TEST_F(Datagram, MayBeEmpty) {
  system.deliver_datagram(fd(), "");
  system.deliver_datagram(fd(), "x");

  run(events, receive("a"));
  run(events, receive("b"));

  EXPECT_THAT(log, ElementsAre("a: ", "b: x"));
}

TEST_F(Datagram, ThatDoesNotFitSaysSo) {
  system.deliver_datagram(fd(), "12345");
  system.deliver_datagram(fd(), "678");

  run(events, receive("a", never, 3));
  run(events, receive("b", never, 3));

  EXPECT_THAT(log, ElementsAre("a: 123 ...", "b: 678"));
}

TEST_F(Datagram, IsWaitedForUntilTheDeadline) {
  const deadline until = in(30ms);
  events.spawn(receive("late", until));
  events.spawn(receive("patient"));
  system.at(in(50ms), [&] { system.deliver_datagram(fd(), "x"); });

  events.run();

  EXPECT_THAT(log, ElementsAre("late: " + make_error_code(errc::timed_out).message(), "patient: x"));
}

TEST_F(Datagram, ThatComesWithTheDeadlineIsReceived) {
  events.spawn(receive("a", in(30ms)));
  system.at(in(30ms), [&] { system.deliver_datagram(fd(), "x"); });

  events.run();

  EXPECT_THAT(log, ElementsAre("a: x"));
}

TEST_F(Datagram, GoesToTheNextIfTheOneWhoseTurnItIsIsCancelled) {
  std::optional<scope> first{std::in_place, events};
  first->spawn(receive("first"));
  settle(events);
  events.spawn(receive("second"));
  settle(events);
  system.deliver_datagram(fd(), "x");
  system.at(in(0ms), [] {});

  first.reset();
  events.run();

  EXPECT_THAT(log, ElementsAre("second: x"));
}

TEST_F(Datagram, ReportsAnErrorOnce) {
  events.spawn(receive("a"));
  events.spawn(receive("b"));
  settle(events);

  system.deliver_error(fd(), system_error(ECONNREFUSED));
  settle(events);
  EXPECT_THAT(log, ElementsAre("a: " + system_error(ECONNREFUSED).message()));
  system.deliver_datagram(fd(), "x");
  events.run();

  EXPECT_EQ(log.back(), "b: x");
}

TEST_F(Datagram, EndsForAllWhoWaitWhenTheSocketIsClosed) {
  for (const char* who : {"a", "b"}) events.spawn(receive(who));
  system.make_room(fd(), 0);
  events.spawn(send("x"));
  settle(events);

  ours->close();
  events.run();

  const std::string closed = make_error_code(errc::closed).message();
  EXPECT_THAT(log, ElementsAre("a: " + closed, "b: " + closed, closed));
}

TEST_F(Datagram, CannotBeReceivedFromASocketWithoutDescriptor) {
  ours->close();

  run(events, receive("a"));
  run(events, send("x"));

  const std::string closed = make_error_code(errc::closed).message();
  EXPECT_THAT(log, ElementsAre("a: " + closed, closed));
}

TEST_F(Datagram, IsSentAtOnceIfThereIsRoom) {
  run(events, send("hello"));
  run(events, send(""));

  EXPECT_EQ(system.sent(fd()), "hello");
  EXPECT_THAT(log, ElementsAre("sent 5", "sent 0"));
}

TEST_F(Datagram, WaitsForRoomAsAWhole) {
  system.make_room(fd(), 3);
  events.spawn(send("1234"));
  events.spawn(send("56"));
  settle(events);
  EXPECT_EQ(system.sent(fd()), "");

  system.make_room(fd(), 4);
  settle(events);
  EXPECT_EQ(system.sent(fd()), "1234");
  system.make_room(fd(), 100);
  events.run();

  EXPECT_EQ(system.sent(fd()), "123456");
  EXPECT_THAT(log, ElementsAre("sent 4", "sent 2"));
}

TEST_F(Datagram, IsNotSentAfterTheDeadline) {
  system.make_room(fd(), 0);
  events.spawn(send("x", in(10ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(make_error_code(errc::timed_out).message()));
  EXPECT_EQ(system.sent(fd()), "");
}

TEST_F(Datagram, LetsOthersRunThoughThereIsAlwaysOne) {
  int rounds = 0;
  bool other = false;
  auto busy = [&]() -> task<> {
    std::array<std::byte, 10> space;
    while (!other) {
      system.deliver_datagram(fd(), "x");
      static_cast<void>(co_await receive_datagram_operation{&events, ours, space, nullptr});
      ++rounds;
    }
  };
  auto waiting = [&]() -> task<> {
    other = true;
    co_return;
  };
  events.spawn(busy());
  events.spawn(waiting());

  events.run();

  EXPECT_LE(rounds, 64);
}

// What the system does not announce.

class RetriedOperation : public Datagram {
 public:
  task<> send_again(std::string_view bytes, deadline until = never) {
    retried<send_datagram_operation> operation{&events, ours, std::as_bytes(std::span{bytes}),
                                               std::span<const std::byte>{}, until};
    const transfer sent = co_await operation;
    log.push_back(sent ? "sent " + std::to_string(sent.bytes) : sent.error.message());
  }
};

TEST_F(RetriedOperation, FinishesAtOnceIfItCan) {
  run(events, send_again("x"));

  EXPECT_THAT(log, ElementsAre("sent 1"));
  EXPECT_EQ(system.calls().watches, 0U);
}

TEST_F(RetriedOperation, GoesOnWithoutAnEvent) {
  system.make_room(fd(), 0);
  events.spawn(send_again("x"));
  system.at(in(20ms), [&] { system.make_room_silently(fd(), 1); });
  const deadline start = system.now();

  events.run();

  EXPECT_THAT(log, ElementsAre("sent 1"));
  EXPECT_GE(system.now() - start, 20ms);
  EXPECT_LE(system.now() - start, 70ms);
}

TEST_F(RetriedOperation, PausesLongerEachTime) {
  system.make_room(fd(), 0);
  events.spawn(send_again("x", in(10s)));

  events.run();

  EXPECT_THAT(log, ElementsAre(make_error_code(errc::timed_out).message()));
  EXPECT_LE(system.calls().sends, 220U);
}

TEST_F(RetriedOperation, EndsAtItsDeadline) {
  system.make_room(fd(), 0);
  const deadline until = in(17ms);
  events.spawn(send_again("x", until));

  events.run();

  EXPECT_THAT(log, ElementsAre(make_error_code(errc::timed_out).message()));
  EXPECT_EQ(system.now(), until);
}

TEST_F(RetriedOperation, LetsThoseBehindItWaitForTheirTurn) {
  system.make_room(fd(), 0);
  events.spawn(send_again("1"));
  events.spawn(send_again("2"));
  settle(events);

  system.make_room(fd(), 10);
  events.run();

  EXPECT_EQ(system.sent(fd()), "12");
}

TEST_F(RetriedOperation, HandsItsTurnOnAtItsDeadline) {
  system.make_room(fd(), 0);
  events.spawn(send_again("1", in(5ms)));
  events.spawn(send_again("2"));
  system.at(in(10ms), [&] { system.make_room_silently(fd(), 10); });

  events.run();

  EXPECT_THAT(log, ElementsAre(make_error_code(errc::timed_out).message(), "sent 1"));
  EXPECT_EQ(system.sent(fd()), "2");
}

TEST_F(RetriedOperation, HandsItsTurnOnWhenItIsCancelled) {
  system.make_room(fd(), 0);
  std::optional<scope> first{std::in_place, events};
  first->spawn(send_again("1"));
  settle(events);
  events.spawn(send_again("2"));
  settle(events);
  system.at(in(10ms), [&] { system.make_room_silently(fd(), 10); });

  first.reset();
  events.run();

  EXPECT_EQ(system.sent(fd()), "2");
}

TEST_F(RetriedOperation, EndsInTheLineAtItsDeadline) {
  system.make_room(fd(), 0);
  events.spawn(send_again("1"));
  events.spawn(send_again("2", in(5ms)));
  system.at(in(10ms), [&] { system.make_room_silently(fd(), 10); });

  events.run();

  EXPECT_THAT(log, ElementsAre(make_error_code(errc::timed_out).message(), "sent 1"));
  EXPECT_EQ(system.sent(fd()), "1");
}

TEST_F(RetriedOperation, EndsWhenTheSocketIsClosed) {
  system.make_room(fd(), 0);
  events.spawn(send_again("1"));
  events.spawn(send_again("2"));
  settle(events);

  ours->close();
  settle(events);

  const std::string closed = make_error_code(errc::closed).message();
  EXPECT_THAT(log, ElementsAre(closed, closed));
}

TEST_F(RetriedOperation, CanBeDestroyedWhileItPauses) {
  system.make_room(fd(), 0);
  {
    scope tasks{events};
    tasks.spawn(send_again("x"));
    settle(events);
  }

  EXPECT_TRUE(events.finished());
  EXPECT_THAT(log, IsEmpty());
}

}  // namespace
}  // namespace copas
