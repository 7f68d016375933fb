// Sockets that are closed, given away, replaced, or outlive their loop.

#include "copas/io/socket.hpp"

#include <fcntl.h>
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
#include "copas/io/system_reactor.hpp"
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

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesItsDescriptor) {
  int fd = -1;
  {
    const unique_fd owned{::open("/dev/null", O_RDONLY)};
    fd = owned.get();
    EXPECT_TRUE(is_open(fd));
  }

  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, PassesItsDescriptorOn) {
  unique_fd first{::open("/dev/null", O_RDONLY)};
  const int fd = first.get();

  unique_fd second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(second.release(), fd);

  EXPECT_FALSE(second);
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

TEST(UniqueFd, ClosesTheOneThatIsAssignedTo) {
  unique_fd kept{::open("/dev/null", O_RDONLY)};
  const int fd = kept.get();

  kept = unique_fd{};

  EXPECT_FALSE(is_open(fd));
}

class Socket : public world_test {
 public:
  task<> note_line(ref<stream> from, std::string name) {
    const text got = co_await receive(events, std::move(from), line);
    log.push_back(name + ":" + (got.error ? got.error.message() : got.bytes));
  }

  std::vector<std::string> log;
};
INSTANTIATE_TEST_SUITE_P(Worlds, Socket, every_world, name_of_world);

TEST_P(Socket, ClosesItsDescriptorWithItsLastOwner) {
  connected_pair pair = make_connection();
  const int fd = pair.ours.get();
  ref<stream> first{new stream{std::move(pair.ours)}};
  ref<stream> second = first;

  first = {};
  EXPECT_TRUE(is_open(fd));
  second = {};

  EXPECT_FALSE(is_open(fd));
  EXPECT_EQ(pair.theirs.receive_all(), "");
}

TEST_P(Socket, MayBeClosedTwice) {
  connection wire;

  wire.ours->close();
  wire.ours->close();

  EXPECT_FALSE(wire.ours->open());
  EXPECT_EQ(wire.ours->fd(), -1);
}

TEST_P(Socket, IsClosedByTheTaskThatWaitsOnItLast) {
  connected_pair pair = make_connection();
  scope tasks{events};
  {
    const ref<stream> ours{new stream{std::move(pair.ours)}};
    tasks.spawn(note_line(ours, "a"));
  }
  settle(events);

  tasks.cancel();

  EXPECT_EQ(pair.theirs.receive_all(), "");
}

TEST_P(Socket, WakesItsWaitersInTheNextPhaseNotInsideClose) {
  connection wire;
  auto closer = [&]() -> task<> {
    wire.ours->close();
    log.emplace_back("closed it");
    co_return;
  };
  events.spawn(note_line(wire.ours, "a"));
  settle(events);
  events.spawn(closer());

  events.run();

  EXPECT_THAT(log, ElementsAre("closed it", "a:closed"));
}

TEST_P(Socket, GivesItsDescriptorAway) {
  connection wire;
  events.spawn(note_line(wire.ours, "a"));
  settle(events);

  const unique_fd given{wire.ours->release()};
  events.run();

  EXPECT_THAT(log, ElementsAre("a:closed"));
  EXPECT_FALSE(wire.ours->open());
  EXPECT_TRUE(is_open(given.get()));
  wire.theirs.send("x");
  char byte = 0;
  EXPECT_EQ(::recv(given.get(), &byte, 1, 0), 1);
}

TEST_P(Socket, TakesOverADescriptor) {
  connection wire;
  connected_pair other = make_connection();
  const unique_fd old{wire.ours->fd()};  // which `replace` leaves open

  wire.ours->replace(std::move(other.ours));
  other.theirs.send("hello\n");

  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("hello"));
  EXPECT_TRUE(is_open(old.get()));
}

TEST_P(Socket, GivesNothingOfANewDescriptorToThoseWhoWaitedOnTheOldOne) {
  connection wire;
  connected_pair other = make_connection();
  const unique_fd old{wire.ours->fd()};
  other.theirs.send("new\n");
  events.spawn(note_line(wire.ours, "a"));
  events.spawn(note_line(wire.ours, "b"));
  settle(events);

  wire.ours->replace(std::move(other.ours));
  events.run();

  EXPECT_THAT(log, ElementsAre("a:closed", "b:closed"));
  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("new"));
}

TEST_P(Socket, ForgetsBufferedBytesWithTheDescriptor) {
  connection wire;
  wire.theirs.send("one\ntwo\n");
  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("one"));

  const unique_fd given{wire.ours->release()};

  EXPECT_TRUE(wire.ours->input().empty());
}

// The number of a descriptor says little.

TEST_P(Socket, IsWatchedAgainThoughADuplicateOfItsDescriptorStaysOpen) {
  connection wire;
  settle(events);
  events.spawn(note_line(wire.ours, "a"));
  settle(events);
  const unique_fd duplicate{::dup(wire.ours->fd())};  // keeps the connection open, and known to epoll
  const int number = wire.ours->fd();
  wire.ours->close();
  settle(events);
  wire.theirs.send("for nobody\n");

  connected_pair other = make_connection();
  unique_fd same{other.ours.get() == number ? other.ours.release() : ::fcntl(other.ours.get(), F_DUPFD, number)};
  ASSERT_EQ(same.get(), number);
  const ref<stream> ours{new stream{std::move(same)}};
  events.spawn(note_line(ours, "b"));
  settle(events);
  EXPECT_THAT(log, ElementsAre("a:closed"));
  other.theirs.send("hello\n");
  events.run();

  EXPECT_THAT(log, ElementsAre("a:closed", "b:hello"));
}

TEST_P(Socket, SharesAConnectionWithADuplicate) {
  connection wire;
  const ref<stream> twin{new stream{unique_fd{::dup(wire.ours->fd())}}};
  wire.theirs.send("one\n");
  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("one"));

  auto later = [&]() -> task<> {
    co_await sleep_for(events, 1ms);
    wire.theirs.send("two\n");
  };
  events.spawn(later());

  EXPECT_EQ(run(events, receive(events, twin, line)), fine("two"));
}

TEST_P(Socket, LetsADuplicateGoOnWhenItIsClosed) {
  connection wire;
  const ref<stream> twin{new stream{unique_fd{::dup(wire.ours->fd())}}};
  events.spawn(note_line(wire.ours, "a"));
  events.spawn(note_line(twin, "twin"));
  settle(events);

  wire.ours->close();
  settle(events);
  wire.theirs.send("hello\n");
  events.run();

  EXPECT_THAT(log, ElementsAre("a:closed", "twin:hello"));
}

// Forks.

int status_of_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

TEST_P(Socket, WorksInAForkedChild) {
  connection wire;
  connection other;
  events.spawn(note_line(wire.ours, "a"));
  settle(events);

  const int status = status_of_child([&] {
    wire.theirs.send("hello child\n");
    events.run();
    const text got = run(events, receive(events, wire.ours, line, {}, events.io().now() + 5ms));
    return log == std::vector<std::string>{"a:hello child"} && got.error == errc::timed_out ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

TEST_P(Socket, OfTheParentIsNotTouchedByAForkedChild) {
  connection wire;
  connection idle;
  events.spawn(note_line(wire.ours, "a"));
  events.spawn(note_line(idle.ours, "idle"));
  settle(events);

  const int status = status_of_child([&] {
    wire.ours->close();  // takes it from the child's reactor, not from the parent's
    idle.ours->close();
    events.run();
    return log.size() == 2 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  settle(events);
  EXPECT_THAT(log, IsEmpty());
  wire.theirs.send("hello parent\n");
  turn_until(events, [&] { return !log.empty(); });

  EXPECT_THAT(log, ElementsAre("a:hello parent"));
}

TEST_P(Socket, OfAChildWorksWhileTheParentRunsOn) {
  connection wire;
  connection second;
  events.spawn(note_line(wire.ours, "a"));
  settle(events);
  int to_child[2];
  ASSERT_EQ(::pipe(to_child), 0);

  const pid_t child = ::fork();
  if (child == 0) {
    char go = 0;
    if (::read(to_child[0], &go, 1) != 1) ::_exit(2);
    second.theirs.send("for the child\n");
    const text got = run(events, receive(events, second.ours, line));
    ::_exit(got == fine("for the child") ? 0 : 1);
  }
  wire.theirs.send("for the parent\n");
  events.run();
  EXPECT_THAT(log, ElementsAre("a:for the parent"));
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::close(to_child[0]);
  ::close(to_child[1]);

  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Several loops.

TEST_P(Socket, MovesToTheLoopThatUsesIt) {
  connection wire;
  wire.theirs.send("one\n");
  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("one"));
  EXPECT_EQ(run(events, receive(events, wire.ours, line, {}, events.io().now() + 1ms)), failed(errc::timed_out));
  EXPECT_EQ(wire.ours->home(), &events);
  loop other{make_reactor(GetParam())};
  auto later = [&]() -> task<> {
    co_await sleep_for(other, 1ms);
    wire.theirs.send("two\n");
  };
  other.spawn(later());

  EXPECT_EQ(run(other, receive(other, wire.ours, line)), fine("two"));

  EXPECT_EQ(wire.ours->home(), &other);
}

TEST_P(Socket, RefusesToWaitInTwoLoops) {
  connection wire;
  events.spawn(note_line(wire.ours, "a"));
  settle(events);
  loop other{make_reactor(GetParam())};

  EXPECT_EQ(run(other, receive(other, wire.ours, line)), failed(system_error(EBUSY)));

  wire.theirs.send("hello\n");
  events.run();
  EXPECT_THAT(log, ElementsAre("a:hello"));
}

TEST_P(Socket, OutlivesItsLoop) {
  connection wire;
  {
    loop own{make_reactor(GetParam())};
    auto reader = [&]() -> task<> { co_await receive(own, wire.ours, line); };
    own.spawn(reader());
    wire.theirs.send("be");
    settle(own);
  }
  EXPECT_EQ(wire.ours->home(), nullptr);

  wire.theirs.send("gun\n");

  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("begun"));
}

TEST_P(Socket, OutlivesItsLoopWithAnOperationThatBelongsToNoTask) {
  connection wire;
  auto own = std::make_unique<loop>(make_reactor(GetParam()));
  auto operation = std::make_unique<receive_operation>(own.get(), wire.ours, line);
  ASSERT_FALSE(operation->await_ready());
  operation->await_suspend({[](void*) {}, nullptr});

  own.reset();
  operation.reset();
  wire.theirs.send("hello\n");

  EXPECT_EQ(run(events, receive(events, wire.ours, line)), fine("hello"));
}

// Events meet the right owner of a number: nothing of the batch is lost, nothing goes to a successor.

class ClosedInABatch : public virtual_loop_test {
 public:
  task<> note_line(ref<stream> from, std::string name) {
    const text got = co_await receive(events, std::move(from), line);
    log.push_back(name + ":" + (got.error ? got.error.message() : got.bytes));
  }

  ref<stream> first{new stream{system.open()}};
  ref<stream> second{new stream{system.open()}};
  std::vector<std::string> log;
};

TEST_F(ClosedInABatch, DescriptorGetsNoEventForItsSuccessor) {
  const int number = second->fd();
  ref<stream> successor;
  auto closer = [&]() -> task<> {
    co_await receive(events, first, line);
    second->close();
    unique_fd reused = system.open();
    EXPECT_EQ(reused.get(), number);
    successor = ref{new stream{std::move(reused)}};
    events.spawn(note_line(successor, "successor"));
    co_await note_line(successor, "closer");
  };
  events.spawn(closer());
  events.spawn(note_line(second, "second"));
  poll();

  system.deliver(first->fd(), "go\n");
  system.deliver(number, "old data\n");
  for (int turn = 0; turn < 5; ++turn) poll();
  EXPECT_THAT(log, ElementsAre("second:closed"));
  system.deliver(number, "new\ndata\n");
  for (int turn = 0; turn < 5; ++turn) poll();

  EXPECT_THAT(log, ElementsAre("second:closed", "closer:new", "successor:data"));
}

TEST_F(ClosedInABatch, WaiterOfAReplacedDescriptorGetsNothingOfTheNewOne) {
  auto replacer = [&]() -> task<> {
    co_await receive(events, first, line);
    const unique_fd old{second->fd()};
    unique_fd fresh = system.open();
    system.deliver(fresh.get(), "new\n");
    second->replace(std::move(fresh));
  };
  events.spawn(replacer());
  events.spawn(note_line(second, "second"));
  poll();

  system.deliver(first->fd(), "go\n");
  system.deliver(second->fd(), "old\n");
  for (int turn = 0; turn < 5; ++turn) poll();
  EXPECT_THAT(log, ElementsAre("second:closed"));
  events.spawn(note_line(second, "later"));
  for (int turn = 0; turn < 5; ++turn) poll();

  EXPECT_THAT(log, ElementsAre("second:closed", "later:new"));
}

TEST_F(ClosedInABatch, CloserMayUseTheSocketAgainAtOnce) {
  auto closer = [&]() -> task<> {
    co_await receive(events, first, line);
    second->close();
    co_await note_line(second, "closer");
  };
  events.spawn(closer());
  events.spawn(note_line(second, "second"));
  poll();

  system.deliver(first->fd(), "go\n");
  system.deliver(second->fd(), "data\n");
  for (int turn = 0; turn < 5; ++turn) poll();

  EXPECT_THAT(log, ElementsAre("closer:closed", "second:closed"));
}

}  // namespace
}  // namespace copas
