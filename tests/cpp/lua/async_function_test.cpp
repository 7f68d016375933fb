#include "copas/lua/async_function.hpp"

#include <cerrno>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "copas/core/result.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/sync/event.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using lua::set_function;
using testing::witness;

// What a thread's error handler is told ends up in the global `failure`; what `results` collects, in one of its name.
class AsyncFunction : public testing::lua_test {
 public:
  AsyncFunction() {
    script(R"(
      copas.seterrorhandler(function(err) failure = err end, true)
      function results(...)
        local texts = { n = select("#", ...), ... }
        for i = 1, texts.n do texts[i] = tostring(texts[i]) end
        all = texts.n .. ": " .. table.concat(texts, ", ")
      end)");
    set_function(L, "sleep", [](loop& home, int milliseconds) -> task<int> {
      co_await sleep_for(home, std::chrono::milliseconds{milliseconds});
      co_return milliseconds;
    });
  }

  // The results of `expression`, evaluated in a thread.
  std::string results_of(const std::string& expression) {
    run("all = 'none' copas.addthread(function() results(" + expression + ") end)");
    return global("all");
  }
  // The error of `expression` in a thread.
  std::string error_of(const std::string& expression) {
    run("failure = nil copas.addthread(function() local _ = " + expression + " end)");
    return global("failure");
  }
};

TEST_F(AsyncFunction, GetsArgumentsAndReturnsItsResult) {
  set_function(L, "join",
               [](loop&, const std::string& text, int number, double fraction, bool flag) -> task<std::string> {
                 co_return text + std::to_string(number) + (fraction > 0.5 && flag ? "!" : "?");
               });

  EXPECT_EQ(results_of("join('number ', 7, 0.75, true)"), "1: number 7!");
}

TEST_F(AsyncFunction, NeedNotTakeTheLoop) {
  set_function(L, "twice", [](int number) -> task<int> { co_return 2 * number; });

  EXPECT_EQ(results_of("twice(21)"), "1: 42");
}

task<int> triple(int number) { co_return 3 * number; }

TEST_F(AsyncFunction, MayBeAFunctionPointer) {
  set_function(L, "triple", &triple);

  EXPECT_EQ(results_of("triple(5)"), "1: 15");
}

TEST_F(AsyncFunction, MayReturnAnyAwaitable) {
  event happened{events};
  set_function(L, "wait", [&happened] { return happened.wait(); });

  script("copas.addthread(function() results(wait()) end)");
  events.run();
  happened.set();
  events.run();

  EXPECT_EQ(global("all"), "1: true");
}

TEST_F(AsyncFunction, ReturnsAfterItHasWaited) { EXPECT_EQ(results_of("sleep(20)"), "1: 20"); }

TEST_F(AsyncFunction, LetsOtherThreadsRunWhileItWaits) {
  run(R"(
    order = ""
    copas.addthread(function() order = order .. "a" sleep(10) order = order .. "d" end)
    copas.addthread(function() order = order .. "b" sleep(5) order = order .. "c" end))");

  EXPECT_EQ(global("order"), "abcd");
}

TEST_F(AsyncFunction, DoesNotYieldIfItDoesNotWait) {
  set_function(L, "nothing", []() -> task<> { co_return; });

  run(R"(
    order = ""
    copas.addthread(function() order = order .. "a" nothing() nothing() order = order .. "b" end)
    copas.addthread(function() order = order .. "c" end))");

  EXPECT_EQ(global("order"), "abc");
}

TEST_F(AsyncFunction, MayBeCalledAgainAndAgain) {
  run(R"(
    sum = 0
    for _ = 1, 3 do
      copas.addthread(function() for i = 1, 99 do local slept = sleep(i % 3) sum = sum + slept end end)
    end)");

  EXPECT_EQ(std::stod(global("sum")), 3 * 99);
}

TEST_F(AsyncFunction, ReturnsNothingForVoid) {
  set_function(L, "nothing", [](loop& home) -> task<> { co_await yield(home); });

  EXPECT_EQ(results_of("nothing()"), "0: ");
}

TEST_F(AsyncFunction, ReturnsNothingForASleep) {
  set_function(L, "nap", [](loop& home) { return sleep_for(home, 1ms); });

  EXPECT_EQ(results_of("nap()"), "0: ");
}

TEST_F(AsyncFunction, ReturnsTheValuesOfATuple) {
  set_function(L, "several", [](loop& home) -> task<std::tuple<int, std::string, bool>> {
    co_await yield(home);
    co_return std::tuple{1, "two", false};
  });

  EXPECT_EQ(results_of("several()"), "3: 1, two, false");
}

TEST_F(AsyncFunction, ReturnsNilAndTheTextOfAnErrorCode) {
  set_function(L, "receive", [](loop& home, bool well) -> task<result<std::string>> {
    co_await yield(home);
    if (!well) co_return std::unexpected{make_error_code(errc::timed_out)};
    co_return "data";
  });

  EXPECT_EQ(results_of("receive(true)"), "1: data");
  EXPECT_EQ(results_of("receive(false)"), "2: nil, timeout");
}

TEST_F(AsyncFunction, ReturnsTrueForSuccessWithoutAValue) {
  set_function(L, "flush", [](bool well) -> task<result<void>> {
    if (!well) co_return std::unexpected{system_error(EPIPE)};
    co_return result<void>{};
  });

  EXPECT_EQ(results_of("flush(true)"), "1: true");
  EXPECT_EQ(results_of("flush(false)"), "2: nil, closed");
}

TEST_F(AsyncFunction, ReturnsOtherErrorsAsTheyAre) {
  set_function(L, "parse", []() -> task<std::expected<int, std::string>> { co_return std::unexpected{"no number"}; });

  EXPECT_EQ(results_of("parse()"), "2: nil, no number");
}

TEST_F(AsyncFunction, ConvertsTables) {
  set_function(L, "reversed", [](std::vector<std::string> words) -> task<std::vector<std::string>> {
    co_return std::vector<std::string>{words.rbegin(), words.rend()};
  });

  EXPECT_EQ(results_of("table.concat(reversed { 'a', 'b', 'c' })"), "1: cba");
}

TEST_F(AsyncFunction, ConvertsWhatMayBeMissing) {
  set_function(L, "or_none", [](std::optional<int> number) -> task<std::optional<int>> { co_return number; });

  EXPECT_EQ(results_of("or_none(3)"), "1: 3");
  EXPECT_EQ(results_of("or_none(nil)"), "1: nil");
  EXPECT_EQ(results_of("or_none()"), "1: nil");
}

TEST_F(AsyncFunction, PassesAnyValueByReference) {
  set_function(L, "same", [](loop& home, lua::reference value) -> task<lua::reference> {
    co_await yield(home);
    co_return value;
  });

  EXPECT_EQ(results_of("same(results) == results, same(nil), same(false)"), "3: true, nil, false");
}

TEST_F(AsyncFunction, KeepsStringsWithZeros) {
  set_function(L, "same", [](std::string text) -> task<std::string> { co_return text; });

  EXPECT_EQ(results_of("#same('a\\0b')"), "1: 3");
}

TEST_F(AsyncFunction, TakesNumbersForStringsAndStringsForNumbersAsLuaDoes) {
  set_function(L, "text", [](std::string text) -> task<std::string> { co_return text; });
  set_function(L, "number", [](int number) -> task<int> { co_return number; });

  EXPECT_EQ(results_of("text(12)"), "1: 12");
  EXPECT_EQ(results_of("number('12')"), "1: 12");
}

TEST_F(AsyncFunction, RefusesWrongArgumentsBeforeItRuns) {
  int runs = 0;
  set_function(L, "lookup", [&runs](std::string, int) -> task<> {
    ++runs;
    co_return;
  });

  EXPECT_EQ(error_of("lookup({}, 1)"), "script:1: bad argument #1 to 'lookup' (string expected, got table)");
  EXPECT_EQ(error_of("lookup('a')"), "script:1: bad argument #2 to 'lookup' (number expected, got no value)");
  EXPECT_EQ(error_of("lookup('a', 1.5)"),
            "script:1: bad argument #2 to 'lookup' (number has no integer representation)");
  EXPECT_EQ(runs, 0);
}

TEST_F(AsyncFunction, RefusesNumbersThatDoNotFit) {
  set_function(L, "connect", [](std::uint16_t port) -> task<int> { co_return port; });

  EXPECT_EQ(results_of("connect(65535)"), "1: 65535");
  EXPECT_EQ(error_of("connect(65536)"), "script:1: bad argument #1 to 'connect' (number out of range)");
  EXPECT_EQ(error_of("connect(-1)"), "script:1: bad argument #1 to 'connect' (number out of range)");
}

TEST_F(AsyncFunction, RefusesWrongElementsOfTables) {
  set_function(L, "sum", [](std::vector<int>) -> task<> { co_return; });
  set_function(L, "join", [](std::vector<std::string>) -> task<> { co_return; });

  EXPECT_EQ(error_of("sum { 1, 'two' }"),
            "script:1: bad argument #1 to 'sum' (element 2: number expected, got string)");
  EXPECT_EQ(error_of("join { 'one', 2 }"),
            "script:1: bad argument #1 to 'join' (element 2: number cannot be converted inside a table)");
}

TEST_F(AsyncFunction, RefusesTruthForBooleans) {
  set_function(L, "turn", [](bool) -> task<> { co_return; });

  EXPECT_EQ(error_of("turn(1)"), "script:1: bad argument #1 to 'turn' (boolean expected, got number)");
}

TEST_F(AsyncFunction, GivesExceptionsToItsCallerWithTheCallersPosition) {
  set_function(L, "fail", [](loop& home, bool later) -> task<> {
    if (later) co_await yield(home);
    throw std::runtime_error{"no luck"};
  });

  EXPECT_EQ(error_of("fail(false)"), "script:1: no luck");
  EXPECT_EQ(error_of("fail(true)"), "script:1: no luck");
}

TEST_F(AsyncFunction, GivesExceptionsBeforeTheFirstCoroutineToItsCaller) {
  set_function(L, "fail", [](loop& home) -> decltype(yield(home)) { throw std::runtime_error{"not even begun"}; });

  EXPECT_EQ(error_of("fail()"), "script:1: not even begun");
}

TEST_F(AsyncFunction, NamesExceptionsThatAreNone) {
  set_function(L, "fail", []() -> task<> {
    throw 42;
    co_return;
  });

  EXPECT_EQ(error_of("fail()"), "script:1: unknown C++ exception");
}

TEST_F(AsyncFunction, RaisesLuasOwnErrorsAsTheyWere) {
  set_function(L, "call", [](lua::function called) -> task<> { co_await lua::call<>(called); });

  EXPECT_EQ(error_of("call(function() copas.pause(0.1) error('inside') end)"), "script:1: inside");
  run("object = {} copas.addthread(function() call(function() error(object) end) end)");
  script("same = failure == object");
  EXPECT_EQ(global("same"), "true");
}

TEST_F(AsyncFunction, GoesOnAfterAnErrorThatTheThreadCatches) {
  set_function(L, "fail", []() -> task<> {
    throw std::runtime_error{"no luck"};
    co_return;
  });

  EXPECT_EQ(results_of("select('#', pcall(fail)), pcall(fail), sleep(1)"), "3: 2, false, 1");
}

TEST_F(AsyncFunction, RefusesToRunOutsideOfThreads) {
  script("ok, text = pcall(sleep, 1)");

  EXPECT_EQ(global("text"), "attempt to yield from outside a coroutine");
}

TEST_F(AsyncFunction, WaitsInsideACoroutineOfTheProgram) {
  run(R"(
    order = ""
    copas.addthread(function()
      local generate = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(sleep(10 * i)) end
      end)
      for _ = 1, 3 do local value = generate() order = order .. value .. " " end
    end)
    copas.addthread(function() sleep(15) order = order .. "other " end))");

  EXPECT_EQ(global("order"), "10 other 20 30 ");
}

TEST_F(AsyncFunction, FailsInsideACoroutineOfTheProgram) {
  set_function(L, "fail", [](loop& home) -> task<> {
    co_await yield(home);
    throw std::runtime_error{"no luck"};
  });

  EXPECT_EQ(results_of("coroutine.resume(coroutine.create(function() fail() end))"), "2: false, script:1: no luck");
}

TEST_F(AsyncFunction, IsDestroyedWithTheThreadThatIsRemoved) {
  int destroyed = 0;
  set_function(L, "hang", [&destroyed](loop& home) -> task<> {
    const witness here{destroyed};
    co_await sleep_until(home, never);
  });
  script("thread = copas.addthread(function() hang() reached = true end)");
  events.run();
  ASSERT_EQ(destroyed, 0);

  script("copas.removethread(thread)");

  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(global("reached"), "nil");
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(AsyncFunction, IsDestroyedWhenItHasEndedButTheThreadIsRemovedFirst) {
  event happened{events};
  set_function(L, "wait", [&happened]() -> task<std::string> {
    co_await happened.wait();
    co_return "a result nobody gets";
  });
  set_function(L, "remove", [this]() -> task<> {
    script("copas.removethread(thread)");
    co_return;
  });
  script(R"(
    thread = copas.addthread(function() wait() reached = true end)
    copas.addthread(function() set() remove() end))");
  set_function(L, "set", [&happened]() -> task<> {
    happened.set();
    co_return;
  });

  lua::run(L);

  EXPECT_EQ(global("reached"), "nil");
}

TEST_F(AsyncFunction, IsDestroyedByLuaClose) {
  int destroyed = 0;
  set_function(L, "hang", [&destroyed](loop& home) -> task<> {
    const witness here{destroyed};
    co_await sleep_until(home, never);
  });
  script("for _ = 1, 3 do copas.addthread(hang) end");
  script("copas.addthread(function() coroutine.wrap(hang)() end)");
  events.run();

  close();

  EXPECT_EQ(destroyed, 4);
}

TEST_F(AsyncFunction, EndsAtItsNextWaitWhenItRemovesItsOwnThread) {
  int destroyed = 0;
  bool reached = false;
  set_function(L, "suicide", [&](loop& home) -> task<> {
    const witness here{destroyed};
    home.current()->cancel();
    co_await yield(home);
    reached = true;
  });

  run("copas.addthread(function() suicide() reached = true end)");

  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(reached);
  EXPECT_EQ(global("reached"), "nil");
}

TEST_F(AsyncFunction, KeepsItsCapturesUntilTheLastCallHasEnded) {
  int destroyed = 0;
  set_function(L, "wait",
               [captured = witness{destroyed}, text = std::string(100, 'x')](loop& home) -> task<std::string> {
                 co_await sleep_for(home, 1s);
                 co_return text;
               });
  script("copas.addthread(function() local call = wait wait = nil results(#call()) end)");

  events.turn();
  script("collectgarbage() collectgarbage()");
  EXPECT_EQ(destroyed, 0);
  lua::run(L);
  script("collectgarbage() collectgarbage()");

  EXPECT_EQ(global("all"), "1: 100");
  EXPECT_EQ(destroyed, 1);
}

TEST_F(AsyncFunction, CannotBeCalledWhileAnotherCallOfTheThreadBegins) {
  std::string text;
  set_function(L, "outer", [this, &text](loop& home) -> task<int> {
    script("ok, text = pcall(copas.pause, 1)");
    text = global("text");
    co_await yield(home);
    co_return 1;
  });

  EXPECT_EQ(results_of("outer()"), "1: 1");
  EXPECT_EQ(text, "attempt to yield from outside a coroutine");
}

TEST_F(AsyncFunction, IsWithdrawnWhereLuaCannotYield) {
  int destroyed = 0;
  set_function(L, "hang", [&destroyed](loop& home) -> task<> {
    const witness here{destroyed};
    co_await sleep_until(home, never);
  });

  run(R"(copas.addthread(function()
    ok = pcall(table.sort, { 1, 2, 3 }, function() hang() end)
    sleep(1)
    reached = true
  end))");

  EXPECT_EQ(global("ok"), "false");
  EXPECT_EQ(global("reached"), "true");
  EXPECT_EQ(destroyed, 1);
}

TEST_F(AsyncFunction, IsAFieldOfATableIfTheProgramPutsItThere) {
  lua_newtable(L);
  lua::push_function(L, "module.twice", [](int number) -> task<int> { co_return 2 * number; });
  lua_setfield(L, -2, "twice");
  lua_setglobal(L, "module");

  EXPECT_EQ(results_of("module.twice(4)"), "1: 8");
  EXPECT_EQ(error_of("module.twice()"), "script:1: bad argument #1 to 'module.twice' (number expected, got no value)");
}

TEST_F(AsyncFunction, ShowsInReportsWhatItWaitsFor) {
  set_function(L, "hang", [](loop& home) -> task<> { co_await sleep_until(home, never); });
  script("copas.addthread(function() hang() end)");

  events.run();

  ASSERT_NE(events.tasks().front().waiting_on(), nullptr);
  EXPECT_EQ(events.tasks().front().waiting_on()->activity(), "sleeping");
}

TEST_F(AsyncFunction, RunsInAThreadThatReportsCallAsTheProgramDoes) {
  set_function(L, "hang", [](loop& home) -> task<> { co_await sleep_until(home, never); });
  script("copas.addnamedthread('hanging', function() hang() end)");

  events.run();

  EXPECT_EQ(events.tasks().front().name(), "hanging");
}

}  // namespace
}  // namespace copas
