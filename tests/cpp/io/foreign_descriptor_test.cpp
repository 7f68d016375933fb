// Descriptors that belong to somebody else: watched for one event at a time.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/descriptor_table.hpp"
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

// The waits of another library's socket, whose calls the test makes itself.
class ForeignDescriptor : public virtual_loop_test {
 public:
  task<> wait(std::string name, int fd, side which, deadline until = never) {
    readiness_wait ready{&events, table.at(fd), which};
    ready.set_deadline(until);
    const std::error_code error = co_await ready;
    if (error) name.append("!").append(error.message());
    log.push_back(name);
  }
  void turns(int count) {
    for (int turn = 0; turn < count; ++turn) poll();
  }

  unique_fd theirs = system.open();
  descriptor_table table{events};
  std::vector<std::string> log;
};

TEST_F(ForeignDescriptor, IsWaitedFor) {
  events.spawn(wait("a", theirs.get(), side::read));
  turns(3);
  EXPECT_THAT(log, IsEmpty());

  system.deliver(theirs.get(), "x");
  turns(2);

  EXPECT_THAT(log, ElementsAre("a"));
  EXPECT_TRUE(events.finished());
}

TEST_F(ForeignDescriptor, IsReadyAtOnceThoughTheDataCameBefore) {
  system.deliver(theirs.get(), "x");

  events.spawn(wait("a", theirs.get(), side::read));
  turns(3);

  EXPECT_THAT(log, ElementsAre("a"));
}

TEST_F(ForeignDescriptor, IsArmedForEachWait) {
  system.deliver(theirs.get(), "x");
  for (int count = 0; count < 3; ++count) {
    events.spawn(wait("a", theirs.get(), side::read));
    turns(3);
  }

  EXPECT_THAT(log, ElementsAre("a", "a", "a"));
  EXPECT_EQ(system.calls().watches, 3U);
}

TEST_F(ForeignDescriptor, GivesUpAtTheDeadline) {
  events.spawn(wait("a", theirs.get(), side::read, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre("a!timeout"));
}

TEST_F(ForeignDescriptor, ServesWaitersInTheOrderInWhichTheyCame) {
  for (const char* name : {"a", "b", "c"}) events.spawn(wait(name, theirs.get(), side::read));
  turns(3);

  system.deliver(theirs.get(), "x");
  turns(1);
  EXPECT_THAT(log, ElementsAre("a"));
  turns(6);

  EXPECT_THAT(log, ElementsAre("a", "b", "c"));
}

TEST_F(ForeignDescriptor, StillServesAWriterAfterAReaderWasServed) {
  system.make_room(theirs.get(), 0);
  events.spawn(wait("reader", theirs.get(), side::read));
  events.spawn(wait("writer", theirs.get(), side::write));
  turns(3);

  system.deliver(theirs.get(), "x");
  turns(3);
  EXPECT_THAT(log, ElementsAre("reader"));
  system.make_room(theirs.get(), 10);
  turns(3);

  EXPECT_THAT(log, ElementsAre("reader", "writer"));
}

TEST_F(ForeignDescriptor, StillServesAReaderAfterAWriterWasServed) {
  events.spawn(wait("reader", theirs.get(), side::read));
  events.spawn(wait("writer", theirs.get(), side::write));
  turns(4);
  EXPECT_THAT(log, ElementsAre("writer"));

  system.deliver(theirs.get(), "x");
  turns(3);

  EXPECT_THAT(log, ElementsAre("writer", "reader"));
}

TEST_F(ForeignDescriptor, StillServesAWriterAfterAReaderWasDestroyed) {
  system.make_room(theirs.get(), 0);
  scope readers{events};
  readers.spawn(wait("reader", theirs.get(), side::read));
  events.spawn(wait("writer", theirs.get(), side::write));
  turns(3);

  readers.cancel();
  system.deliver(theirs.get(), "x");
  turns(3);
  system.make_room(theirs.get(), 10);
  turns(3);

  EXPECT_THAT(log, ElementsAre("writer"));
}

TEST_F(ForeignDescriptor, IsNotArmedForNobody) {
  events.spawn(wait("a", theirs.get(), side::read));
  turns(3);
  system.deliver(theirs.get(), "x");
  turns(3);

  EXPECT_FALSE(system.armed(theirs.get()).read);
  EXPECT_FALSE(system.armed(theirs.get()).write);
}

TEST_F(ForeignDescriptor, WakesItsWaitersWhenItsOwnerIsAboutToCloseIt) {
  events.spawn(wait("a", theirs.get(), side::read));
  events.spawn(wait("b", theirs.get(), side::write, in(1h)));
  system.make_room(theirs.get(), 0);
  turns(3);

  table.closing(theirs.get());
  theirs.reset();
  turns(3);

  EXPECT_THAT(log, ElementsAre("a", "b"));
  EXPECT_TRUE(events.finished());
}

TEST_F(ForeignDescriptor, DoesNotMindTheClosingOfOneThatNobodyWaitedFor) {
  table.closing(theirs.get());
  table.closing(12345);

  EXPECT_TRUE(events.finished());
}

TEST_F(ForeignDescriptor, SharesALineWithASocketOfOursThatHasItsNumber) {
  const ref<stream> ours{new stream{system.open()}};
  auto reader = [&]() -> task<> { log.push_back("ours:" + (co_await receive(events, ours, line)).bytes); };
  events.spawn(reader());
  turns(3);
  events.spawn(wait("foreign", ours->fd(), side::read));
  turns(3);

  system.deliver(ours->fd(), "hello\n");
  turns(3);
  EXPECT_EQ(log.front(), "ours:hello");
  system.deliver(ours->fd(), "more\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("ours:hello", "foreign"));
  EXPECT_EQ(table.at(ours->fd()).get(), ours.get());
}

TEST_F(ForeignDescriptor, LosesItsNumberToASocketOfOurs) {
  events.spawn(wait("foreign", theirs.get(), side::read));
  turns(3);
  const ref<stream> ours{new stream{unique_fd{theirs.release()}}};  // it was closed behind our back, and this opened
  auto reader = [&]() -> task<> { log.push_back("ours:" + (co_await receive(events, ours, line)).bytes); };
  events.spawn(reader());
  turns(4);
  EXPECT_THAT(log, ElementsAre("foreign"));  // which finds out that its descriptor is gone

  system.deliver(ours->fd(), "hello\n");
  turns(3);

  EXPECT_THAT(log, ElementsAre("foreign", "ours:hello"));
}

TEST_F(ForeignDescriptor, KeepsTheTurnOfWhoFoundNothing) {
  const auto ask_twice = [this]() -> task<> {
    co_await wait("a", theirs.get(), side::read);
    readiness_wait again{&events, table.at(theirs.get()), side::read, readiness_wait::place::first};
    co_await again;
    log.emplace_back("a again");
  };
  events.spawn(ask_twice());
  events.spawn(wait("b", theirs.get(), side::read));
  turns(2);

  system.deliver(theirs.get(), "x");
  turns(6);

  EXPECT_THAT(log, ElementsAre("a", "a again", "b"));
}

TEST_F(ForeignDescriptor, LetsOneReaderGoOnForBytesThatItsOwnerHolds) {
  const unique_fd other = system.open();
  for (const char* name : {"a", "b"}) events.spawn(wait(name, theirs.get(), side::read));
  events.spawn(wait("other", other.get(), side::read));
  turns(2);

  table.announce_bytes(theirs.get());
  table.announce_bytes(theirs.get());
  turns(2);

  EXPECT_THAT(log, ElementsAre("a"));
}

TEST_F(ForeignDescriptor, ForgetsBytesThatItsOwnerHoldsIfNobodyWaits) {
  table.announce_bytes(theirs.get());
  events.spawn(wait("a", theirs.get(), side::read));
  turns(2);

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ForeignDescriptor, LetsOthersRunThoughItIsAlwaysReady) {
  system.deliver(theirs.get(), "x");
  std::string order;
  auto busy = [&]() -> task<> {
    for (int count = 0; count < 3; ++count) {
      while (events.within_budget()) continue;  // as after many operations that did not wait
      readiness_wait ready{&events, table.at(theirs.get()), side::read};
      EXPECT_FALSE(co_await ready);
      order += 'b';
    }
  };
  auto other = [&]() -> task<> {
    for (int count = 0; count < 3; ++count) {
      order += 'o';
      co_await yield(events);
    }
  };
  events.spawn(busy());
  events.spawn(other());

  events.run();

  EXPECT_EQ(order.substr(0, 4), "obob");
}

TEST_F(ForeignDescriptor, ReportsThatItCannotBeWatched) {
  system.fail_watch(system_error(EBADF));

  events.spawn(wait("a", theirs.get(), side::read));
  turns(3);

  EXPECT_THAT(log, ElementsAre("a!" + system_error(EBADF).message()));
  EXPECT_TRUE(events.finished());
}

TEST_F(ForeignDescriptor, CountsAsReadyWhenItCannotBlock) {
  system.fail_watch(system_error(EPERM));

  events.spawn(wait("file", theirs.get(), side::read));
  turns(3);

  EXPECT_THAT(log, ElementsAre("file"));
}

// The same on the real system.

class RealForeignDescriptor : public world_test {
 public:
  RealForeignDescriptor() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
    near = unique_fd{ends[0]};
    far = unique_fd{ends[1]};
  }

  std::error_code wait(int fd, side which, std::chrono::nanoseconds time = 10s) {
    auto body = [&]() -> task<std::error_code> {
      readiness_wait ready{&events, table.at(fd), which};
      ready.set_deadline(events.io().now() + time);
      co_return co_await ready;
    };
    return run(events, body());
  }
  // Waits as a library would that knows of spurious wake-ups: tries, and waits again.
  char read_byte(int fd) {
    for (;;) {
      char byte = 0;
      if (::read(fd, &byte, 1) == 1) return byte;
      EXPECT_FALSE(wait(fd, side::read));
    }
  }
  void write_later(std::string_view bytes) {
    auto body = [](loop& home, int fd, std::string_view what) -> task<> {
      co_await sleep_for(home, 1ms);
      EXPECT_EQ(::write(fd, what.data(), what.size()), static_cast<ssize_t>(what.size()));
    };
    events.spawn(body(events, far.get(), bytes));
  }

  unique_fd near;
  unique_fd far;
  descriptor_table table{events};
};
INSTANTIATE_TEST_SUITE_P(Worlds, RealForeignDescriptor, every_world, name_of_world);

TEST_P(RealForeignDescriptor, IsWaitedForAgainAndAgain) {
  for (const char each : std::string{"hello"}) {
    write_later({&each, 1});
    EXPECT_EQ(read_byte(near.get()), each);
  }
}

TEST_P(RealForeignDescriptor, IsReadyWhileDataIsLeft) {
  EXPECT_EQ(::write(far.get(), "ab", 2), 2);

  EXPECT_FALSE(wait(near.get(), side::read));
  EXPECT_FALSE(wait(near.get(), side::read));
}

TEST_P(RealForeignDescriptor, IsAFile) {
  const unique_fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};

  EXPECT_FALSE(wait(file.get(), side::read));
  EXPECT_FALSE(wait(file.get(), side::write));
}

TEST_P(RealForeignDescriptor, IsClosedAndItsNumberReusedBehindOurBack) {
  write_later("a");
  EXPECT_EQ(read_byte(near.get()), 'a');
  const int number = near.get();
  near.reset();
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  near = unique_fd{ends[0]};
  far = unique_fd{ends[1]};
  ASSERT_EQ(near.get(), number);

  write_later("b");

  EXPECT_EQ(read_byte(near.get()), 'b');
}

TEST_P(RealForeignDescriptor, IsClosedBehindOurBackWhileADuplicateLives) {
  write_later("a");
  EXPECT_EQ(read_byte(near.get()), 'a');
  const int number = near.get();
  const unique_fd duplicate{::fcntl(number, F_DUPFD_CLOEXEC, 100)};
  near.reset();
  const unique_fd old_far = std::move(far);
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  near = unique_fd{ends[0]};
  far = unique_fd{ends[1]};
  ASSERT_EQ(near.get(), number);

  EXPECT_EQ(::write(old_far.get(), "for the duplicate", 17), 17);
  write_later("b");

  EXPECT_EQ(read_byte(near.get()), 'b');
}

TEST_P(RealForeignDescriptor, IsUsedInBothDirections) {
  std::string got;
  bool written = false;
  const std::string much(1'000'000, 'x');
  auto writer = [&]() -> task<> {
    for (std::size_t done = 0; done < much.size();) {
      const ssize_t count = ::write(near.get(), much.data() + done, much.size() - done);
      if (count > 0) {
        done += static_cast<std::size_t>(count);
      } else {
        readiness_wait ready{&events, table.at(near.get()), side::write};
        co_await ready;
      }
    }
    written = true;
  };
  auto reader = [&]() -> task<> {
    while (got.size() < 5) {
      std::array<char, 10> space{};
      const ssize_t count = ::read(near.get(), space.data(), space.size());
      if (count > 0) {
        got.append(space.data(), static_cast<std::size_t>(count));
      } else {
        readiness_wait ready{&events, table.at(near.get()), side::read};
        co_await ready;
      }
    }
  };
  auto peer_side = [&]() -> task<> {
    for (const char each : std::string{"hello"}) {
      EXPECT_EQ(::write(far.get(), &each, 1), 1);
      co_await sleep_for(events, 1ms);
    }
    std::array<char, 65536> space{};
    for (std::size_t done = 0; done < much.size();) {
      const ssize_t count = ::read(far.get(), space.data(), space.size());
      if (count > 0) done += static_cast<std::size_t>(count);
      co_await yield(events);
    }
  };
  events.spawn(writer());
  events.spawn(reader());
  events.spawn(peer_side());

  events.run();

  EXPECT_EQ(got, "hello");
  EXPECT_TRUE(written);
}

}  // namespace
}  // namespace copas
