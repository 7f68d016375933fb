// When garbage is collected, in virtual time: a step, which takes none of it, runs all cycles.

#include "lua/garbage.hpp"

#include "lua_test.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class Garbage : public virtual_loop_test {
 public:
  void let_pass(std::chrono::nanoseconds time) {
    system.advance(time);
    poll();
  }
  void activity() { collector.activity(L, true); }
  void step() { collector.step(L, true); }

  lua_owner owner{new_lua()};
  lua_State* L{owner.get()};
  lua::garbage collector{events};
};

TEST_F(Garbage, IsCollectedSomeQuietTimeAfterActivity) {
  activity();
  const deadline first = collector.next_step();
  let_pass(20ms);
  activity();

  EXPECT_EQ(first, system.now() + 30ms);
  EXPECT_EQ(collector.next_step(), system.now() + 50ms);
}

TEST_F(Garbage, IsLeftAloneOnceItIsCollected) {
  activity();
  let_pass(50ms);
  step();

  EXPECT_EQ(collector.next_step(), never);
}

TEST_F(Garbage, IsCollectedAtLastAlsoIfActivityGoesOn) {
  activity();
  for (int count = 0; count < 25; ++count) {
    let_pass(20ms);
    activity();
  }

  EXPECT_LE(collector.next_step(), system.now());
}

TEST_F(Garbage, IsCollectedOnceMoreAfterActivityThatDidNotPutItOff) {
  activity();
  let_pass(600ms);
  activity();
  step();

  EXPECT_NE(collector.next_step(), never);

  let_pass(600ms);
  step();

  EXPECT_EQ(collector.next_step(), never);
}

TEST_F(Garbage, WaitsForItsTimeAlsoWhereTasksAreAlwaysReady) {
  activity();
  let_pass(60ms);

  EXPECT_TRUE(collector.due(false));
  EXPECT_FALSE(collector.due(true));

  let_pass(440ms);

  EXPECT_TRUE(collector.due(true));
}

}  // namespace
}  // namespace copas
