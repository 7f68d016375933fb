#include "copas/core/wait_list.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "support/probe.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::probe;
using ::testing::ElementsAre;

class WaitNode : public copas::testing::virtual_loop_test {
 protected:
  wait_list line;
};

TEST_F(WaitNode, IsNowhereAtFirst) {
  const probe node{events};

  EXPECT_FALSE(node.parked());
  EXPECT_FALSE(node.woken());
  EXPECT_FALSE(node.linked());
  EXPECT_EQ(node.reason(), wake_reason::none);
}

TEST_F(WaitNode, IsCountedByWhatItWaitsFor) {
  probe reader{events};
  probe writer{events};

  reader.wait(&line, never, wait_kind::read);
  writer.wait(&line, never, wait_kind::write);

  EXPECT_EQ(events.parked(wait_kind::read), 1U);
  EXPECT_EQ(events.parked(wait_kind::write), 1U);
}

TEST_F(WaitNode, LeavesItsListAndItsTimerWhenItIsWoken) {
  probe node{events};
  node.wait(&line, in(1s), wait_kind::read);

  events.schedule(node);

  EXPECT_TRUE(line.empty());
  EXPECT_EQ(events.timers(), 0U);
  EXPECT_EQ(events.parked(wait_kind::read), 0U);
  EXPECT_TRUE(node.woken());
  EXPECT_FALSE(node.parked());
}

TEST_F(WaitNode, DoesNotGoOnWhileItIsBeingWoken) {
  probe node{events};
  node.wait(&line);

  events.schedule(node);
  EXPECT_EQ(node.resumptions, 0);

  poll();
  EXPECT_EQ(node.resumptions, 1);
  EXPECT_FALSE(node.woken());
}

TEST_F(WaitNode, IsWokenByItsDeadline) {
  probe node{events};
  node.wait(&line, in(5ms));

  events.turn();

  EXPECT_EQ(node.resumptions, 1);
  EXPECT_EQ(node.reason(), wake_reason::timed_out);
  EXPECT_TRUE(line.empty());
}

TEST_F(WaitNode, GoesOnOnceWhenItsEventAndItsDeadlineComeTogether) {
  probe node{events};
  node.wait(&line, in(5ms));
  events.schedule(node);
  system.advance(10ms);

  events.run();

  EXPECT_EQ(node.resumptions, 1);
  EXPECT_EQ(node.reason(), wake_reason::event);
}

TEST_F(WaitNode, RemembersWhyItWasWoken) {
  probe node{events};
  node.wait(&line, in(5ms));

  events.schedule(node, wake_reason::closed);
  poll();

  EXPECT_EQ(node.reason(), wake_reason::closed);
}

TEST_F(WaitNode, LeavesEverythingWhenItIsDestroyedWhileParked) {
  {
    probe node{events};
    node.wait(&line, in(1s), wait_kind::write);
  }

  EXPECT_TRUE(line.empty());
  EXPECT_EQ(events.timers(), 0U);
  EXPECT_EQ(events.parked(wait_kind::write), 0U);
  EXPECT_TRUE(events.finished());
}

TEST_F(WaitNode, LeavesTheReadyQueueWhenItIsDestroyedWhileWoken) {
  bool went_on = false;
  {
    probe node{events, [&] { went_on = true; }};
    node.wait(&line);
    events.schedule(node);
  }

  EXPECT_FALSE(events.busy());
  poll();
  EXPECT_FALSE(went_on);
}

TEST_F(WaitNode, DoesNotGoOnWhenOneBeforeItInTheSamePhaseDestroysIt) {
  std::unique_ptr<probe> victim;
  probe killer{events, [&] { victim.reset(); }};
  bool went_on = false;
  victim = std::make_unique<probe>(events, [&] { went_on = true; });
  killer.wait(&line);
  victim->wait(&line);
  events.schedule(killer);
  events.schedule(*victim);

  poll();

  EXPECT_EQ(killer.resumptions, 1);
  EXPECT_FALSE(went_on);
}

TEST_F(WaitNode, MayDestroyItselfWhenItGoesOn) {
  std::unique_ptr<probe> node;
  node = std::make_unique<probe>(events, [&] { node.reset(); });
  node->wait(&line);
  events.schedule(*node);

  poll();

  EXPECT_EQ(node, nullptr);
  EXPECT_TRUE(events.finished());
}

TEST_F(WaitNode, OutlivesTheListItWaitsIn) {
  probe node{events};
  auto short_lived = std::make_unique<wait_list>();
  node.wait(short_lived.get(), in(5ms));

  short_lived.reset();

  EXPECT_FALSE(node.linked());
  events.run();
  EXPECT_EQ(node.reason(), wake_reason::timed_out);
}

TEST_F(WaitNode, ParksAgainForTheSameWaiterUntilTheSameDeadline) {
  probe node{events};
  node.demand_more(2, line);
  node.wait(&line, in(50ms), wait_kind::read);
  events.schedule(node);
  poll();
  system.advance(20ms);
  events.schedule(node);
  poll();

  EXPECT_EQ(node.advances, 2);
  EXPECT_EQ(node.resumptions, 0);
  EXPECT_EQ(events.parked(wait_kind::read), 1U);
  const deadline due = in(30ms);
  events.run();

  EXPECT_EQ(node.resumptions, 1);
  EXPECT_EQ(node.reason(), wake_reason::timed_out);
  EXPECT_EQ(system.now(), due);
}

TEST_F(WaitNode, IsInNoListWhileItGoesOn) {
  probe node{events};
  bool nowhere = false;
  node.on_advance = [&] { nowhere = !node.linked() && !node.parked() && !node.woken(); };
  node.wait(&line);
  events.schedule(node);

  poll();

  EXPECT_TRUE(nowhere);
}

TEST_F(WaitNode, MayWaitAgainAfterItWentOn) {
  probe node{events};
  node.wait(&line);
  events.schedule(node);
  poll();

  node.wait(nullptr, in(5ms));
  events.run();

  EXPECT_EQ(node.resumptions, 2);
  EXPECT_EQ(node.reason(), wake_reason::timed_out);
}

TEST_F(WaitNode, GoesOnInTheOrderInWhichItWasWokenAmongOthers) {
  std::vector<int> order;
  probe one{events, [&] { order.push_back(1); }};
  probe two{events, [&] { order.push_back(2); }};
  probe three{events, [&] { order.push_back(3); }};
  for (probe* each : {&one, &two, &three}) each->wait(&line);

  for (probe* each : {&two, &three, &one}) events.schedule(*each);
  poll();

  EXPECT_THAT(order, ElementsAre(2, 3, 1));
}

// A collector, or a user, destroys a loop and those who wait in either order.
class WaitNodeWithoutItsLoop : public ::testing::Test {
 protected:
  void end_loop() { events_.reset(); }
  loop& events() { return *events_; }

 private:
  std::unique_ptr<loop> events_ = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
};

TEST_F(WaitNodeWithoutItsLoop, MayBeDestroyedWhileItsTimerIsSet) {
  probe node{events()};
  node.wait(nullptr, events().io().now() + 1s);

  end_loop();

  EXPECT_FALSE(node.linked());
}

TEST_F(WaitNodeWithoutItsLoop, MayBeDestroyedWhileItWaitsForASignal) {
  wait_list line;
  probe node{events()};
  node.wait(&line, events().io().now() + 1s);

  end_loop();

  EXPECT_EQ(node.resumptions, 0);
}

TEST_F(WaitNodeWithoutItsLoop, MayBeDestroyedWhileItIsStarved) {
  probe node{events()};
  node.wait(&events().starved(), never, wait_kind::read);

  end_loop();

  EXPECT_FALSE(node.linked());
  EXPECT_FALSE(node.parked());
}

TEST_F(WaitNodeWithoutItsLoop, MayBeDestroyedWhileItIsReady) {
  wait_list line;
  probe node{events()};
  node.wait(&line);
  events().schedule(node);

  end_loop();

  EXPECT_FALSE(node.linked());
  EXPECT_EQ(node.resumptions, 0);
}

}  // namespace
}  // namespace copas
