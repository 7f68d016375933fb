#include "copas/lua/open.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "lua_test.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::lua_owner;
using testing::new_lua;
using testing::script;

class Open : public testing::lua_test {};

TEST_F(Open, GivesTheSameLoopAgain) { EXPECT_EQ(&lua::open(L), &events); }

TEST_F(Open, GivesTheLoopOfTheModuleThatScriptsRequire) {
  script("copas.addthread(function() copas.pauseforever() end)");

  events.run();

  EXPECT_FALSE(events.tasks().empty());
}

TEST_F(Open, KeepsItsLoopWhenAScriptLoadsTheModuleAnew) {
  script("package.loaded.copas = nil require('copas') copas = nil collectgarbage() collectgarbage()");
  bool ran = false;
  auto note = [](bool& flag) -> task<> {
    flag = true;
    co_return;
  };
  events.spawn(note(ran));

  lua::run(L);

  EXPECT_TRUE(ran);
}

TEST(OpenAlone, FailsWithoutTheStandardLibraries) {
  const lua_owner owner{luaL_newstate()};

  EXPECT_THROW(lua::open(owner.get()), lua::error);
}

TEST(OpenAlone, FindsTheModuleThatAScriptHasLoaded) {
  const lua_owner first = new_lua();
  lua::open(first.get());
  script(first.get(), "package.loaded.copas = nil");

  lua::open(first.get());

  testing::script(first.get(), "again = copas ~= nil");
  EXPECT_EQ(testing::global(first.get(), "again"), "true");
}

TEST(OpenAlone, KeepsStatesApart) {
  const lua_owner first = new_lua();
  lua_owner second = new_lua();
  loop& one = lua::open(first.get());
  loop& two = lua::open(second.get());
  lua::set_function(first.get(), "sleep", [](loop& home) -> task<> { co_await sleep_for(home, 1s); });
  lua::set_function(second.get(), "sleep", [](loop& home) -> task<> { co_await sleep_for(home, 2s); });
  script(first.get(), "copas.addthread(function() sleep() done = true end)");
  script(second.get(), "copas.addthread(function() sleep() done = true end)");

  EXPECT_NE(&one, &two);
  one.turn();
  two.turn();
  second.reset();
  one.run();

  EXPECT_EQ(testing::global(first.get(), "done"), "true");
}

TEST_F(Open, RunsTasksAndThreadsInOneLoop) {
  auto count = [this]() -> task<> {
    for (int each = 1; each <= 3; ++each) {
      co_await sleep_for(events, 20ms);
      script("order = order .. 'c'");
    }
  };
  events.spawn(count());

  run(R"(
    order = ""
    copas.addthread(function() for _ = 1, 3 do copas.pause(0.03) order = order .. "l" end end))");

  EXPECT_EQ(global("order"), "clccll");
}

TEST_F(Open, LetsCppRunTheLoop) {
  script("copas.addthread(function() copas.pause(1) done = true end)");

  events.run();

  EXPECT_EQ(global("done"), "true");
}

TEST_F(Open, ReportsErrorsOfThreadsAlsoIfCppRunsTheLoop) {
  script(R"(
    copas.seterrorhandler(function(err) failure = err end, true)
    copas.addthread(function() copas.pause(1) error("no luck") end))");

  events.run();

  EXPECT_EQ(global("failure"), "script:3: no luck");
}

TEST_F(Open, KeepsThreadsFromRunningTheLoopThatCppRuns) {
  script("copas.addthread(function() ok, text = pcall(copas.step, 0) end)");

  events.run();

  EXPECT_THAT(global("text"), HasSubstr("the loop runs already"));
}

TEST_F(Open, RunsAfterTheLoopWasStopped) {
  script("copas.addthread(function() copas.waitforexit() exited = true end)");
  events.post([this] { events.stop(); });

  lua::run(L);

  EXPECT_EQ(global("exited"), "true");
}

class FailingTask : public Open {
 public:
  FailingTask() {
    script("copas.seterrorhandler(function(...) err, co, skt = ... trace = copas.gettraceback(...) end, true)");
  }
};

task<> fail_soon(loop& home) {
  co_await yield(home);
  throw std::runtime_error{"no luck"};
}

TEST_F(FailingTask, ReachesTheErrorHandlerOfLua) {
  const int line = __LINE__ + 1;
  events.spawn(fail_soon(events), "producer");

  lua::run(L);

  EXPECT_EQ(global("err"), "no luck");
  EXPECT_EQ(global("skt"), "nil");
  EXPECT_THAT(global("trace"), HasSubstr("no luck (coroutine: producer, socket: nil)\nstack traceback:"));
  EXPECT_THAT(global("trace"), HasSubstr("\n\tstarted at "));
  EXPECT_THAT(global("trace"), EndsWith("open_test.cpp:" + std::to_string(line)));
}

TEST_F(FailingTask, TellsWhatItWaitedForLast) {
  auto fail_later = [this]() -> task<> {
    co_await sleep_for(events, 1ms);
    throw std::runtime_error{"no luck"};
  };
  events.spawn(fail_later(), "producer");

  lua::run(L);

  EXPECT_THAT(global("trace"), HasSubstr("\n\twaited last: sleeping\n\tstarted at "));
}

TEST_F(FailingTask, IsNamedAsOneOfCppIfItHasNoName) {
  events.spawn(fail_soon(events));

  lua::run(L);

  EXPECT_THAT(global("trace"), HasSubstr("(coroutine: C++ task, socket: nil)"));
}

TEST_F(FailingTask, TellsTheHandlerOfADeadCoroutine) {
  events.spawn(fail_soon(events), "producer");

  lua::run(L);

  script("status, name = coroutine.status(co), copas.getthreadname(co)");
  EXPECT_EQ(global("status"), "dead");
  EXPECT_EQ(global("name"), "producer");
}

TEST_F(FailingTask, TellsOfTheLuaErrorInsideIt) {
  script("function broken() error('inside') end");
  auto ask = [this]() -> task<> { co_await lua::call<>(function("broken")); };
  events.spawn(ask(), "asking");

  lua::run(L);

  EXPECT_EQ(global("err"), "script:1: inside");
  EXPECT_THAT(global("trace"), HasSubstr("script:1: in "));
  EXPECT_THAT(global("trace"), HasSubstr("(coroutine: asking, socket: nil)\nstack traceback:\n"));
}

TEST_F(FailingTask, DoesNotEndTheLoop) {
  events.spawn(fail_soon(events));

  run("copas.addthread(function() copas.pause(1) done = true end)");

  EXPECT_EQ(global("done"), "true");
}

TEST_F(FailingTask, ReachesTheHandlerIfCppRunsTheLoop) {
  events.spawn(fail_soon(events), "producer");

  events.run();

  EXPECT_EQ(global("err"), "no luck");
}

TEST_F(FailingTask, OutlivesAHandlerThatFails) {
  script(
      "print = function(text) printed = text end copas.seterrorhandler(function() error('in the handler', 0) end, "
      "true)");
  events.spawn(fail_soon(events));

  run("copas.addthread(function() copas.pause(1) done = true end)");

  EXPECT_EQ(global("printed"), "Failed executing error handler: in the handler");
  EXPECT_EQ(global("done"), "true");
}

TEST_F(Open, DestroysTasksAtLuaClose) {
  int destroyed = 0;
  auto hang = [](loop& home, int& counter) -> task<> {
    const testing::witness here{counter};
    co_await sleep_until(home, never);
  };
  events.spawn(hang(events, destroyed));
  events.run();

  close();

  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace copas
