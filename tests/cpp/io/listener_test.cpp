#include "copas/io/listener.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/stream.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// With connections that come, and descriptors that run out, when the test says so.
class Listener : public virtual_loop_test {
 public:
  ~Listener() override { at->close(); }

  // Accepts until it is closed.
  task<> serve() {
    for (;;) {
      auto connection = co_await accept_operation{&events, at};
      if (!connection) {
        end = connection.error();
        break;
      }
      connections.push_back(std::move(*connection));
    }
  }
  void turns(int count) {
    for (int turn = 0; turn < count; ++turn) poll();
  }

  // Accepts one connection, by then.
  task<> accept_until(deadline until) {
    auto connection = co_await accept_operation{&events, at, until};
    if (connection) {
      connections.push_back(std::move(*connection));
    } else {
      end = connection.error();
    }
  }

  ref<listener> at{new listener{system.open()}};
  std::vector<unique_fd> connections;
  std::error_code end;
};

TEST_F(Listener, AcceptsWhatArrives) {
  events.spawn(serve());
  turns(3);
  system.arrive(at->fd());
  turns(2);
  EXPECT_THAT(connections, SizeIs(1));

  system.arrive(at->fd());
  system.arrive(at->fd());
  turns(2);

  EXPECT_THAT(connections, SizeIs(3));
}

TEST_F(Listener, AcceptsUntilNobodyWaits) {
  for (int count = 0; count < 10; ++count) system.arrive(at->fd());

  events.spawn(serve());
  turns(1);

  EXPECT_THAT(connections, SizeIs(10));
}

TEST_F(Listener, LetsOthersRunThoughConnectionsKeepComing) {
  for (int count = 0; count < 1000; ++count) system.arrive(at->fd());
  events.spawn(serve());

  turns(1);
  EXPECT_THAT(connections, SizeIs(63));
  turns(1);
  EXPECT_THAT(connections, SizeIs(::testing::Lt(130U)));
  turns(20);

  EXPECT_THAT(connections, SizeIs(1000));
}

TEST_F(Listener, ServesThoseWhoAcceptInTurn) {
  std::vector<int> served;
  auto one = [&](int id) -> task<> {
    const auto connection = co_await accept_operation{&events, at};
    EXPECT_TRUE(connection);
    served.push_back(id);
  };
  for (int id = 1; id <= 3; ++id) events.spawn(one(id));
  turns(4);

  for (int count = 0; count < 3; ++count) system.arrive(at->fd());
  turns(5);

  EXPECT_THAT(served, ElementsAre(1, 2, 3));
}

TEST_F(Listener, GoesOnAfterAConnectionThatEndedBeforeItWasTaken) {
  events.spawn(serve());
  turns(3);
  for (const int error : {ECONNABORTED, EPROTO, EPERM, ENETDOWN}) system.fail_accept(at->fd(), system_error(error));
  system.arrive(at->fd());

  turns(3);

  EXPECT_THAT(connections, SizeIs(1));
}

TEST_F(Listener, RestsForASecondWhenThereIsNoMemoryToWatchIt) {
  system.fail_watch(system_error(ENOMEM));
  events.spawn(serve());
  turns(3);
  EXPECT_FALSE(end);

  system.arrive(at->fd());
  system.advance(1s);
  turns(3);

  EXPECT_THAT(connections, SizeIs(1));
}

TEST_F(Listener, ReportsThatItDoesNotListen) {
  system.fail_accept(at->fd(), system_error(EINVAL));
  events.spawn(serve());

  turns(3);

  EXPECT_EQ(end, system_error(EINVAL));
}

TEST_F(Listener, EndsThoseWhoAcceptWhenItIsClosed) {
  events.spawn(serve());
  turns(3);

  at->close();
  turns(2);

  EXPECT_EQ(end, errc::closed);
  EXPECT_TRUE(events.finished());
}

TEST_F(Listener, GivesUpWhenItsTimeIsOver) {
  const deadline until = in(3s);
  events.spawn(accept_until(until));

  events.run();

  EXPECT_EQ(end, errc::timed_out);
  EXPECT_EQ(system.now(), until);
}

TEST_F(Listener, AcceptsWhatArrivesBeforeItsTimeIsOver) {
  events.spawn(accept_until(in(3s)));
  turns(3);
  system.arrive(at->fd());

  turns(2);

  EXPECT_THAT(connections, SizeIs(1));
  EXPECT_TRUE(events.finished());
}

class StarvedListener : public Listener, public ::testing::WithParamInterface<int> {
 public:
  // Descriptors run out, for one try.
  void starve() { system.fail_accept(at->fd(), system_error(GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(Shortages, StarvedListener, ::testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM));

TEST_P(StarvedListener, RestsForASecond) {
  events.spawn(serve());
  turns(3);
  starve();
  system.arrive(at->fd());
  turns(3);
  const std::size_t tries = system.calls().accepts;
  EXPECT_THAT(connections, SizeIs(0));

  turns(20);
  EXPECT_EQ(system.calls().accepts, tries);
  const deadline due = in(1s);
  turn_until(events, [&] { return !connections.empty(); });

  EXPECT_EQ(system.now(), due);
  EXPECT_THAT(connections, SizeIs(1));
}

TEST_P(StarvedListener, GivesUpInTheMiddleOfARest) {
  const deadline until = in(1500ms);
  events.spawn(accept_until(until));
  turns(3);
  for (int count = 0; count < 3; ++count) starve();
  system.arrive(at->fd());

  events.run();

  EXPECT_EQ(end, errc::timed_out);
  EXPECT_EQ(system.now(), until);
}

TEST_P(StarvedListener, GivesUpWhenItsTimeIsOverAfterARest) {
  const deadline until = in(3s);
  events.spawn(accept_until(until));
  turns(3);
  starve();
  turns(3);

  events.run();

  EXPECT_EQ(end, errc::timed_out);
  EXPECT_EQ(system.now(), until);
}

TEST_P(StarvedListener, RestsAgainWhenNothingHasChanged) {
  events.spawn(serve());
  turns(3);
  for (int count = 0; count < 3; ++count) starve();
  system.arrive(at->fd());
  turns(3);
  const deadline begun = system.now();

  turn_until(events, [&] { return !connections.empty(); });

  EXPECT_EQ(system.now() - begun, 3s);
}

TEST_P(StarvedListener, GoesOnWhenADescriptorIsFreed) {
  const ref<stream> other{new stream{system.open()}};
  auto reader = [&]() -> task<> { co_await receive(events, other, line); };
  events.spawn(reader());
  events.spawn(serve());
  turns(3);
  starve();
  system.arrive(at->fd());
  turns(3);
  const deadline before = system.now();

  other->close();
  turns(3);

  EXPECT_THAT(connections, SizeIs(1));
  EXPECT_EQ(system.now(), before);
}

TEST_P(StarvedListener, LetsSomebodyFreeADescriptorBeforeItRests) {
  int asked = 0;
  events.on_descriptor_shortage = [&] { return ++asked == 1; };
  events.spawn(serve());
  turns(3);
  starve();
  system.arrive(at->fd());

  turns(2);

  EXPECT_EQ(asked, 1);
  EXPECT_THAT(connections, SizeIs(1));
}

TEST_P(StarvedListener, RestsWhenFreeingDidNotHelp) {
  int asked = 0;
  events.on_descriptor_shortage = [&] {
    ++asked;
    return true;
  };
  events.spawn(serve());
  turns(3);
  starve();
  starve();
  system.arrive(at->fd());
  turns(5);

  EXPECT_EQ(asked, 1);
  EXPECT_THAT(connections, SizeIs(0));

  turn_until(events, [&] { return !connections.empty(); });
}

TEST_P(StarvedListener, KeepsTheLoopAliveWhileItRests) {
  events.spawn(serve());
  turns(3);
  starve();
  turns(3);

  EXPECT_FALSE(events.finished());
}

TEST_P(StarvedListener, StopsRestingWhenItIsClosed) {
  events.spawn(serve());
  starve();  // before it was ever watched
  turns(3);
  const deadline before = system.now();

  at->close();
  turns(3);

  EXPECT_EQ(end, errc::closed);
  EXPECT_EQ(system.now(), before);
  EXPECT_TRUE(events.finished());
}

TEST_P(StarvedListener, StopsRestingWhenItIsReleased) {
  events.spawn(serve());
  turns(3);
  starve();
  turns(3);
  const deadline before = system.now();

  const unique_fd given{at->release()};
  turns(3);

  EXPECT_EQ(end, errc::closed);
  EXPECT_EQ(system.now(), before);
}

TEST_P(StarvedListener, ServesAllWhoAcceptAfterItRested) {
  events.spawn(serve());
  events.spawn(serve());
  turns(4);
  starve();
  turns(3);
  for (int count = 0; count < 5; ++count) system.arrive(at->fd());

  turn_until(events, [&] { return connections.size() == 5; });
}

TEST_P(StarvedListener, LeavesNobodyBehindWhenTheOneThatRestsIsDestroyed) {
  scope first{events};
  first.spawn(serve());
  turns(3);
  starve();
  system.arrive(at->fd());
  turns(3);
  events.spawn(serve());
  turns(3);

  first.cancel();
  turns(3);

  EXPECT_THAT(connections, SizeIs(1));
}

TEST_P(StarvedListener, RestsOnlyItself) {
  const ref<listener> other{new listener{system.open()}};
  std::vector<unique_fd> others;
  auto serve_other = [&]() -> task<> {
    for (;;) {
      auto connection = co_await accept_operation{&events, other};
      if (!connection) break;
      others.push_back(std::move(*connection));
    }
  };
  events.spawn(serve());
  events.spawn(serve_other());
  turns(3);
  starve();
  turns(3);

  system.arrive(other->fd());
  turns(3);

  EXPECT_THAT(others, SizeIs(1));
  other->close();
}

}  // namespace
}  // namespace copas
