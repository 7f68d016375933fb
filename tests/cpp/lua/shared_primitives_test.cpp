// C++ tasks and Lua threads that wait on the same primitive, in one loop.

#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/sync/lock.hpp"
#include "copas/sync/queue.hpp"
#include "copas/sync/semaphore.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using lua::set_function;

class SharedPrimitives : public testing::lua_test {
 public:
  SharedPrimitives() {
    script("order = '' function note(text) order = order .. text .. ' ' end");
    set_function(L, "sleep", [](loop& home, int milliseconds) -> task<> {
      co_await sleep_for(home, std::chrono::milliseconds{milliseconds});
    });
  }
  void note(const std::string& text) { script("note('" + text + "')"); }
};

TEST_F(SharedPrimitives, CarryItemsFromCppToLua) {
  queue<std::string> items{events};
  set_function(L, "pop", [&items] { return items.pop(); });
  events.spawn([](loop& home, queue<std::string>& to) -> task<> {
    for (const char* each : {"one", "two"}) {
      co_await sleep_for(home, 1ms);
      to.push(each);
    }
    to.stop();
  }(events, items));

  run(R"(
    copas.addthread(function()
      note(pop())
      note(pop())
      local item, err = pop()
      note(tostring(item) .. ": " .. err)
    end))");

  EXPECT_EQ(global("order"), "one two nil: destroyed ");
}

TEST_F(SharedPrimitives, CarryItemsFromLuaToCpp) {
  queue<std::string> items{events};
  set_function(L, "push", [&items](std::string item) -> task<result<void>> { co_return items.push(std::move(item)); });
  std::string got;
  events.spawn([](queue<std::string>& from, std::string& into) -> task<> {
    while (const auto item = co_await from.pop()) into += *item + " ";
  }(items, got));

  run(R"(
    copas.addthread(function()
      push("one")
      copas.pause(0.001)
      push("two")
    end))");

  EXPECT_EQ(got, "one two ");
}

TEST_F(SharedPrimitives, ServeCppAndLuaInTheOrderInWhichTheyCame) {
  semaphore units{events, 4, 0};
  set_function(L, "take", [&units] { return units.take(); });
  const auto taker = [](SharedPrimitives& test, semaphore& from, std::string name) -> task<> {
    co_await from.take();
    test.note(name);
  };

  script("copas.addthread(function() take() note('lua 1') end)");
  events.turn(events.io().now());
  events.spawn(taker(*this, units, "cpp 1"));
  events.turn(events.io().now());
  script("copas.addthread(function() take() note('lua 2') end)");
  events.turn(events.io().now());
  events.spawn(taker(*this, units, "cpp 2"));
  events.turn(events.io().now());
  units.give(4);
  lua::run(L);

  EXPECT_EQ(global("order"), "lua 1 cpp 1 lua 2 cpp 2 ");
}

class SharedLock : public SharedPrimitives {
 public:
  SharedLock() {
    set_function(L, "get", [this]() -> task<> {
      auto held = co_await shared.get();
      if (held) held->detach();
    });
    set_function(L, "release", [this]() -> task<result<void>> { co_return shared.release(events.current()); });
  }

  lock shared{events};
};

TEST_F(SharedLock, IsHeldByTheLuaThread) {
  events.spawn([](SharedLock& test) -> task<> {
    co_await sleep_for(test.events, 1ms);
    const auto held = co_await test.shared.get();
    test.note("cpp");
  }(*this));

  run(R"(
    copas.addthread(function()
      get()
      get() -- once more, without a wait
      sleep(5)
      note("lua")
      release()
      sleep(5)
      note("still lua")
      release()
    end))");

  EXPECT_EQ(global("order"), "lua still lua cpp ");
}

TEST_F(SharedLock, IsReleasedWhenTheLuaThreadIsRemoved) {
  script("holder = copas.addthread(function() get() copas.pauseforever() end)");
  events.turn(events.io().now());
  events.spawn([](SharedLock& test) -> task<> {
    const auto held = co_await test.shared.get();
    test.note("cpp");
  }(*this));
  events.turn(events.io().now());

  run("note('removed') copas.removethread(holder)");

  EXPECT_EQ(global("order"), "removed cpp ");
}

}  // namespace
}  // namespace copas
