// The seam to the operating system by itself: what every reactor has to do.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "copas/core/result.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/io/unique_fd.hpp"
#include "support/reactors.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct pair_of_sockets {
  explicit pair_of_sockets(int kind = SOCK_STREAM) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
    near = unique_fd{ends[0]};
    far = unique_fd{ends[1]};
  }
  unique_fd near;
  unique_fd far;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

class Reactor : public ::testing::TestWithParam<world> {
 public:
  // Waits until `fd` is reported so; fails when that does not happen in time.
  bool reports(int fd, bool io_event::* what) {
    for (int count = 0; count < 200; ++count) {
      for (const io_event& event : system->wait(system->now() + 1ms)) {
        if (event.fd == fd && event.*what) return true;
      }
    }
    return false;
  }
  // Collects what there is to report.
  void drain() {
    for (int count = 0; count < 20; ++count) static_cast<void>(system->wait(deadline::min()));
  }
  // Reads until there is nothing left, as the layer above does.
  std::string read(int fd) {
    std::string got;
    std::array<std::byte, 100> space{};
    for (int denials = 0; denials < 50;) {
      const moved outcome = system->receive(fd, space);
      got.append(reinterpret_cast<const char*>(space.data()), outcome.bytes);
      if (outcome.end) break;
      if (outcome.error) ++denials;
    }
    return got;
  }

  std::unique_ptr<reactor> system = make_reactor(GetParam());
  pair_of_sockets sockets;
};
INSTANTIATE_TEST_SUITE_P(Worlds, Reactor, every_world, name_of_world);

TEST_P(Reactor, ReportsDataThatArrives) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();

  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));
}

TEST_P(Reactor, ReportsDataThatWasThereBeforeItWatched) {
  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  ASSERT_FALSE(system->watch(sockets.near.get(), 7));

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));
}

TEST_P(Reactor, ReportsEachArrivalThoughNothingWasRead) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();

  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);
    EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));
  }
}

TEST_P(Reactor, ReportsTheEndOfAStream) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();

  ::shutdown(sockets.far.get(), SHUT_WR);

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::ending));
}

TEST_P(Reactor, ReportsAHangUpInBothDirections) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();

  sockets.far.reset();

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));
}

TEST_P(Reactor, ReportsRoomToWrite) {
  const std::string much(1'000'000, 'x');
  while (::write(sockets.near.get(), much.data(), much.size()) > 0) continue;
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();

  std::array<char, 65536> space{};
  while (::read(sockets.far.get(), space.data(), space.size()) > 0) continue;

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::writable));
}

TEST_P(Reactor, TellsTheGeneration) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 4711));
  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  std::set<std::uint32_t> generations;
  for (int count = 0; count < 20; ++count) {
    for (const io_event& event : system->wait(deadline::min())) generations.insert(event.generation);
  }

  EXPECT_THAT(generations, ::testing::ElementsAre(4711U));
}

TEST_P(Reactor, TakesANewGenerationForADescriptorThatItKnows) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 1));
  ASSERT_FALSE(system->watch(sockets.near.get(), 2));
  drain();
  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  std::set<std::uint32_t> generations;
  for (int count = 0; count < 20; ++count) {
    for (const io_event& event : system->wait(deadline::min())) generations.insert(event.generation);
  }

  EXPECT_THAT(generations, ::testing::ElementsAre(2U));
}

TEST_P(Reactor, SaysNothingOfADescriptorThatIsNotWatchedAnyMore) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();
  system->unwatch(sockets.near.get());

  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());
}

TEST_P(Reactor, ForgetsADescriptorThatItNeverWatched) {
  const unique_fd high{::fcntl(sockets.near.get(), F_DUPFD_CLOEXEC, 900)};

  system->unwatch(high.get());

  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());
}

TEST_P(Reactor, WatchesAgainAfterItForgot) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 1));
  system->unwatch(sockets.near.get());
  ASSERT_FALSE(system->watch(sockets.near.get(), 2));
  drain();

  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));
}

TEST_P(Reactor, ReportsOnceWhatIsWatchedOnce) {
  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);
  ASSERT_FALSE(system->watch_once(sockets.near.get(), 7, {.read = true, .write = false}));
  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));

  ASSERT_FALSE(system->watch_once(sockets.near.get(), 7, {.read = true, .write = false}));

  EXPECT_TRUE(reports(sockets.near.get(), &io_event::readable));  // though nothing has changed
}

TEST_P(Reactor, CannotWatchAFile) {
  const unique_fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};

  EXPECT_EQ(system->watch_once(file.get(), 7, {.read = true, .write = false}), system_error(EPERM));
  EXPECT_EQ(system->watch(file.get(), 7), system_error(EPERM));
}

TEST_P(Reactor, CannotWatchWhatIsNotOpen) {
  const int number = sockets.near.get();
  sockets.near.reset();

  EXPECT_EQ(system->watch(number, 7), system_error(EBADF));
}

TEST_P(Reactor, ReportsAnyNumberOfDescriptors) {
  std::vector<pair_of_sockets> many(600);
  std::set<int> expected;
  for (const pair_of_sockets& each : many) {
    ASSERT_FALSE(system->watch(each.near.get(), 7));
    EXPECT_EQ(::write(each.far.get(), "x", 1), 1);
    expected.insert(each.near.get());
  }

  for (int count = 0; count < 50 && !expected.empty(); ++count) {
    for (const io_event& event : system->wait(deadline::min())) {
      if (event.readable) expected.erase(event.fd);
    }
  }

  EXPECT_THAT(expected, IsEmpty());
}

TEST_P(Reactor, ReadsWhatWasSent) {
  std::string_view rest = "hello";
  while (!rest.empty()) rest.remove_prefix(system->send(sockets.near.get(), bytes_of(rest)).bytes);
  ::shutdown(sockets.near.get(), SHUT_WR);

  EXPECT_EQ(read(sockets.far.get()), "hello");
}

TEST_P(Reactor, NeverClaimsThatASourceIsDrainedThatIsNot) {
  std::string sent(5000, 'x');
  EXPECT_EQ(::write(sockets.far.get(), sent.data(), sent.size()), 5000);
  std::size_t got = 0;
  std::array<std::byte, 100> space{};
  int denials = 0;
  while (got < sent.size()) {
    const moved outcome = system->receive(sockets.near.get(), space);
    got += outcome.bytes;
    if (outcome.drained && got < sent.size()) {
      ASSERT_TRUE(outcome.error) << "bytes were held back that no edge would tell of";
      ++denials;
    }
  }

  EXPECT_EQ(denials > 0, GetParam() != world::plain);
}

TEST_P(Reactor, OwesAnEventForWhatItDenied) {
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  drain();
  std::array<std::byte, 1> space{};
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);
    ASSERT_TRUE(reports(sockets.near.get(), &io_event::readable));
    while (system->receive(sockets.near.get(), space).bytes == 0) {
      ASSERT_TRUE(reports(sockets.near.get(), &io_event::readable));
    }
  }
}

// Only the reactor of the system, whose clocks are real.

TEST(SystemReactor, WaitsAsLongAsItIsTold) {
  const auto system = system_reactor();
  for (const std::chrono::nanoseconds time : {1ns, 150'000ns, 2'000'000ns, 10'000'001ns}) {
    const deadline until = system->now() + time;

    const auto events = system->wait(until);

    EXPECT_THAT(events, IsEmpty());
    EXPECT_GE(system->now(), until);
  }
}

TEST(SystemReactor, DoesNotWaitForATimeThatIsPast) {
  const auto system = system_reactor();

  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());
  EXPECT_THAT(system->wait(deadline{}), IsEmpty());
  EXPECT_THAT(system->wait(system->now() - 1s), IsEmpty());
}

TEST(SystemReactor, IsInterruptedBeforeItWaits) {
  const auto system = system_reactor();

  system->interrupt();
  system->interrupt();

  EXPECT_THAT(system->wait(never), IsEmpty());
}

TEST(SystemReactor, IsInterruptedByAnotherThread) {
  const auto system = system_reactor();
  std::thread other{[&] { system->interrupt(); }};

  EXPECT_THAT(system->wait(never), IsEmpty());

  other.join();
}

TEST(SystemReactor, HasClocksThatGoOn) {
  const auto system = system_reactor();
  const deadline first = system->now();
  const deadline coarse = system->coarse_now();
  const auto wall = system->wall();
  static_cast<void>(system->wait(first + 20ms));

  EXPECT_GT(system->now(), first);
  EXPECT_GT(system->coarse_now(), coarse);
  EXPECT_GT(system->wall(), wall);
  EXPECT_LE(system->coarse_now(), system->now());
}

TEST(SystemReactor, TellsTheTimeOfTheWall) {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();

  const auto wall = system_reactor()->wall();

  EXPECT_LT(std::chrono::abs(wall - since_epoch), 10s);
}

TEST(SystemReactor, ReportsADescriptorOnceForEachChange) {
  const auto system = system_reactor();
  const pair_of_sockets sockets;
  ASSERT_FALSE(system->watch(sockets.near.get(), 7));
  EXPECT_EQ(::write(sockets.far.get(), "x", 1), 1);
  EXPECT_THAT(system->wait(deadline::min()), SizeIs(1));

  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());
}

TEST(SystemReactor, StaysSilentAboutWhatIsWatchedOnceUntilItIsAskedAgain) {
  const auto system = system_reactor();
  const pair_of_sockets sockets;
  ASSERT_FALSE(system->watch_once(sockets.near.get(), 7, {.read = true, .write = false}));
  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());

  EXPECT_EQ(::write(sockets.far.get(), "xx", 2), 2);
  EXPECT_THAT(system->wait(deadline::min()), SizeIs(1));
  EXPECT_EQ(::write(sockets.far.get(), "xx", 2), 2);

  EXPECT_THAT(system->wait(deadline::min()), IsEmpty());
}

TEST(SystemReactor, KnowsThatAShortReadDrained) {
  const auto system = system_reactor();
  const pair_of_sockets sockets;
  EXPECT_EQ(::write(sockets.far.get(), "hello", 5), 5);
  std::array<std::byte, 3> space{};

  const moved full = system->receive(sockets.near.get(), space);
  const moved rest = system->receive(sockets.near.get(), space);
  const moved nothing = system->receive(sockets.near.get(), space);

  EXPECT_FALSE(full.drained);
  EXPECT_TRUE(rest.drained);
  EXPECT_EQ(rest.bytes, 2U);
  EXPECT_EQ(nothing.error, std::errc::operation_would_block);
  EXPECT_TRUE(nothing.drained);
}

TEST(SystemReactor, OfAChildLeavesThatOfTheParentAlone) {
  const auto system = system_reactor();
  const pair_of_sockets watched;
  const pair_of_sockets dropped;
  ASSERT_FALSE(system->watch(watched.near.get(), 7));
  ASSERT_FALSE(system->watch(dropped.near.get(), 8));
  static_cast<void>(system->wait(deadline::min()));

  const pid_t child = ::fork();
  if (child == 0) {
    system->unwatch(dropped.near.get());
    static_cast<void>(system->wait(deadline::min()));  // what the new registration reports at once
    const bool wrote = ::write(watched.far.get(), "x", 1) == 1;
    const auto events = system->wait(system->now() + 10s);
    ::_exit(wrote && events.size() == 1 && events[0].fd == watched.near.get() && events[0].generation == 7 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(::write(dropped.far.get(), "x", 1), 1);
  std::set<int> reported;
  for (const io_event& event : system->wait(system->now() + 10s)) reported.insert(event.fd);

  EXPECT_THAT(reported, ::testing::Contains(dropped.near.get()));
}

TEST(SystemReactor, OfAChildIsInterruptedByItself) {
  const auto system = system_reactor();
  const pid_t child = ::fork();
  if (child == 0) {
    system->interrupt();
    static_cast<void>(system->wait(never));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(system->wait(system->now() + 1ms), IsEmpty());
}

TEST(SystemReactor, OfAParentIsNotInterruptedByItsChild) {
  const auto system = system_reactor();
  const pid_t child = ::fork();
  if (child == 0) {
    system->interrupt();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const deadline until = system->now() + 20ms;

  static_cast<void>(system->wait(until));

  EXPECT_GE(system->now(), until);
}

}  // namespace
}  // namespace copas
