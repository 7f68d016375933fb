#include "copas/lua/call.hpp"

#include <gmock/gmock.h>

#include <string>
#include <tuple>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "lua_test.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Call : public testing::lua_test {
 public:
  // The error of a call.
  lua::error error_of(const std::string& name) { return error_of(function(name)); }
  lua::error error_of(const lua::function& broken) {
    auto attempt = [](lua::function called) -> task<std::optional<lua::error>> {
      try {
        co_await lua::call<int>(called);
      } catch (const lua::error& thrown) {
        co_return thrown;
      }
      co_return std::nullopt;
    };
    return testing::run(events, attempt(broken)).value();
  }
};

TEST_F(Call, PassesArgumentsAndReturnsTheResult) {
  script("function join(a, b, c, d) return a .. b .. tostring(c) .. tostring(d) end");
  auto ask = [this]() -> task<std::string> {
    co_return co_await lua::call<std::string>(function("join"), "text ", 7, true, std::optional<int>{});
  };

  EXPECT_EQ(testing::run(events, ask()), "text 7truenil");
}

TEST_F(Call, ReturnsSeveralResults) {
  script("function describe() return 'somebody', 42, { 1, 2 } end");
  auto ask = [this]() -> task<std::tuple<std::string, int, std::vector<int>>> {
    co_return co_await lua::call<std::string, int, std::vector<int>>(function("describe"));
  };

  EXPECT_EQ(testing::run(events, ask()), (std::tuple{std::string{"somebody"}, 42, std::vector{1, 2}}));
}

TEST_F(Call, DropsResultsThatNobodyWants) {
  script("function many() called = true return 1, 2, 3 end");
  auto ask = [this]() -> task<> { co_await lua::call<>(function("many")); };

  testing::run(events, ask());

  EXPECT_EQ(global("called"), "true");
}

TEST_F(Call, MayWaitInLua) {
  script("function slow() copas.pause(0.5) return 'late' end");
  auto ask = [this]() -> task<std::string> { co_return co_await lua::call<std::string>(function("slow")); };

  EXPECT_EQ(testing::run(events, ask()), "late");
}

TEST_F(Call, LetsOtherTasksRunMeanwhile) {
  script("order = '' function slow(name, time) copas.pause(time) order = order .. name end");
  auto ask = [this](std::string name, double time) -> task<> { co_await lua::call<>(function("slow"), name, time); };
  events.spawn(ask("b", 0.2));
  events.spawn(ask("a", 0.1));

  events.run();

  EXPECT_EQ(global("order"), "ab");
}

TEST_F(Call, ThrowsErrorsWithMessageTracebackAndValue) {
  script("function broken() copas.pause(0.1) error('no luck') end");

  const lua::error thrown = error_of("broken");

  EXPECT_STREQ(thrown.what(), "script:1: no luck");
  EXPECT_THAT(thrown.traceback(), StartsWith("stack traceback:\n"));
  EXPECT_THAT(thrown.traceback(), HasSubstr("script:1: in "));
  thrown.value().push(L);
  EXPECT_STREQ(lua_tostring(L, -1), "script:1: no luck");
}

TEST_F(Call, ThrowsErrorsThatAreObjects) {
  script(
      "object = setmetatable({}, { __tostring = function() return 'an object' end }) "
      "function broken() error(object) end");

  const lua::error thrown = error_of("broken");

  EXPECT_STREQ(thrown.what(), "an object");
  thrown.value().push(L);
  lua_getglobal(L, "object");
  EXPECT_TRUE(lua_rawequal(L, -1, -2));
}

TEST_F(Call, ThrowsErrorsWhoseTextFails) {
  script("function broken() error(setmetatable({}, { __tostring = function() error('again') end })) end");

  EXPECT_STREQ(error_of("broken").what(), "(an error without a text)");
}

TEST_F(Call, KeepsErrorsFromTheErrorHandler) {
  script("copas.seterrorhandler(function() handled = true end, true) function broken() error('no luck') end");

  static_cast<void>(error_of("broken"));

  EXPECT_EQ(global("handled"), "nil");
}

TEST_F(Call, ThrowsIfAResultCannotBeConverted) {
  script("function wrong() return 'text' end function none() end");

  EXPECT_STREQ(error_of("wrong").what(), "bad result #1 of a Lua function (number expected, got string)");
  EXPECT_STREQ(error_of("none").what(), "bad result #1 of a Lua function (number expected, got no value)");
}

TEST_F(Call, ThrowsIfTheThreadIsRemoved) {
  script("function hang() copas.addthread(copas.removethread, (coroutine.running())) copas.pause(100) end");

  EXPECT_STREQ(error_of("hang").what(), "the thread of the Lua function was removed");
}

TEST_F(Call, ThrowsIfTheFunctionYieldsToTheScheduler) {
  script("function wrong() coroutine.yield(1) end");

  EXPECT_THAT(error_of("wrong").what(), StartsWith("coroutine.yield was called without a resume first"));
}

TEST_F(Call, ThrowsIfThereIsNoFunction) {
  EXPECT_STREQ(error_of(lua::function{}).what(), "there is no Lua function to call");
}

TEST_F(Call, RemovesTheThreadWhenTheTaskIsDestroyed) {
  script("function hang() thread = coroutine.running() copas.pause(100) reached = true end");
  auto ask = [this]() -> task<> { co_await lua::call<>(function("hang")); };
  scope tasks{events};
  tasks.spawn(ask());
  testing::settle(events);
  ASSERT_NE(global("thread"), "nil");

  tasks.cancel();

  EXPECT_TRUE(events.tasks().empty());
  events.run();
  EXPECT_EQ(global("reached"), "nil");
}

TEST_F(Call, EndsTheThreadAtItsNextWaitIfItDestroysItsCaller) {
  scope tasks{events};
  lua::set_function(L, "cancel", [&tasks]() -> task<> {
    tasks.cancel();
    co_return;
  });
  script("function suicide() cancel() before = true copas.pause(1) reached = true end");
  auto ask = [this]() -> task<> { co_await lua::call<>(function("suicide")); };
  tasks.spawn(ask());

  events.run();

  EXPECT_EQ(global("before"), "true");
  EXPECT_EQ(global("reached"), "nil");
}

TEST_F(Call, IsDestroyedBeforeTheThreadRuns) {
  script("function never() reached = true end");
  auto ask = [this](scope& own_scope) -> task<> {
    auto calling = lua::call<>(function("never"));
    calling.await_ready();
    own_scope.cancel();
    co_await sleep_until(events, never);
  };
  scope tasks{events};
  tasks.spawn(ask(tasks));

  events.run();

  EXPECT_EQ(global("reached"), "nil");
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Call, GoesBothWaysAtOnce) {
  lua::set_function(L, "apply", [](loop& home, lua::function called, int number) -> task<int> {
    co_await yield(home);
    co_return co_await lua::call<int>(called, number) + 1;
  });

  run(R"(copas.addthread(function()
    result = apply(function(n)
      copas.pause(0.1)
      return apply(function(m) return m * 10 end, n + 1)
    end, 1)
  end))");

  EXPECT_EQ(std::stod(global("result")), 22);
}

TEST_F(Call, RemovesTheInnerThreadWithTheOuterOne) {
  lua::set_function(L, "apply", [](lua::function called) -> task<> { co_await lua::call<>(called); });
  script(R"(
    thread = copas.addthread(function()
      apply(function() apply(function() copas.pause(100) reached = true end) end)
    end))");
  testing::settle(events);

  script("copas.removethread(thread)");

  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Call, IsDestroyedByLuaClose) {
  int destroyed = 0;
  script("function hang() copas.pause(100) end function sleep() copas.pauseforever() end");
  auto ask = [this](std::string name, int& counter) -> task<> {
    const testing::witness here{counter};
    co_await lua::call<>(function(name));
  };
  events.spawn(ask("hang", destroyed));
  events.spawn(ask("sleep", destroyed));
  testing::settle(events);

  close();

  EXPECT_EQ(destroyed, 2);
}

TEST_F(Call, ThreadsKnowWhereTheyWereStarted) {
  script("function trace() return copas.gettraceback('text', (coroutine.running())) end");
  const int line = __LINE__ + 1;
  auto ask = [this]() -> task<std::string> { co_return co_await lua::call<std::string>(function("trace")); };

  const std::string text = testing::run(events, ask());

  EXPECT_THAT(text, HasSubstr("call_test.cpp:" + std::to_string(line)));
}

}  // namespace
}  // namespace copas
