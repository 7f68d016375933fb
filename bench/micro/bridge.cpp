// The bridge to Lua: calls in both directions, and strings that are handed over. What is called "bare" does the same by Lua's
// own interface, without a loop.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "copas/lua.hpp"

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

namespace {

// A Lua state with the module, and a global function `many` that calls another one so many times.
struct program {
  program() { run("copas = require 'copas' function many(f, times) for _ = 1, times do f() end end"); }

  void run(const std::string& chunk) const {
    if (luaL_loadstring(L, chunk.c_str()) != 0 || lua_pcall(L, 0, 0, 0) != 0) std::abort();
  }
  [[nodiscard]] copas::lua::function function(const char* name) const {
    lua_getglobal(L, name);
    copas::lua::function found{L, -1};
    lua_pop(L, 1);
    return found;
  }

  std::unique_ptr<lua_State, decltype(&lua_close)> owner{luaL_newstate(), &lua_close};
  lua_State* L = owner.get();
  copas::loop& events = (luaL_openlibs(L), copas::lua::open(L));
};

constexpr std::int64_t batch = 1000;

// A Lua thread calls the global `f`, a thousand times in each round.
void call_from_a_thread(benchmark::State& state, const program& calling) {
  calling.run("function round() copas.addthread(many, f, " + std::to_string(batch) + ") end");
  for (auto _ : state) {
    calling.run("round()");
    copas::lua::run(calling.L);
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

void call_of_cpp_bare(benchmark::State& state) {
  program calling;
  lua_register(calling.L, "f", [](lua_State* L) {
    lua_pushinteger(L, 1);
    return 1;
  });
  call_from_a_thread(state, calling);
}
BENCHMARK(call_of_cpp_bare);

void call_of_cpp_that_need_not_wait(benchmark::State& state) {
  program calling;
  copas::lua::set_function(calling.L, "f", []() -> copas::task<int> { co_return 1; });
  call_from_a_thread(state, calling);
}
BENCHMARK(call_of_cpp_that_need_not_wait);

void call_of_cpp_that_waits(benchmark::State& state) {
  program calling;
  copas::lua::set_function(calling.L, "f", [](copas::loop& home) -> copas::task<int> {
    co_await copas::yield(home);
    co_return 1;
  });
  call_from_a_thread(state, calling);
}
BENCHMARK(call_of_cpp_that_waits);

void call_of_an_awaitable_that_waits(benchmark::State& state) {
  program calling;
  copas::lua::set_function(calling.L, "f", [](copas::loop& home) { return copas::yield(home); });
  call_from_a_thread(state, calling);
}
BENCHMARK(call_of_an_awaitable_that_waits);

copas::task<> call_repeatedly(copas::lua::function called) {
  for (std::int64_t each = 0; each < batch; ++each) co_await copas::lua::call<int>(called);
}

void call_of_lua(benchmark::State& state) {
  program called;
  called.run("function one() return 1 end");
  for (auto _ : state) {
    called.events.spawn(call_repeatedly(called.function("one")));
    copas::lua::run(called.L);
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(call_of_lua);

// The text is of as many bytes.
void push_of_a_string_bare(benchmark::State& state) {
  program calling;
  std::string text(static_cast<std::size_t>(state.range()), 'x');
  lua_pushlightuserdata(calling.L, &text);
  lua_pushcclosure(
      calling.L,
      [](lua_State* L) {
        const auto& pushed = *static_cast<const std::string*>(lua_touserdata(L, lua_upvalueindex(1)));
        lua_pushlstring(L, pushed.data(), pushed.size());
        return 1;
      },
      1);
  lua_setglobal(calling.L, "f");
  call_from_a_thread(state, calling);
  state.SetBytesProcessed(state.iterations() * batch * state.range());
}
BENCHMARK(push_of_a_string_bare)->Arg(32)->Arg(1 << 10)->Arg(1 << 16);

void push_of_a_string(benchmark::State& state) {
  program calling;
  const std::string text(static_cast<std::size_t>(state.range()), 'x');
  copas::lua::set_function(calling.L, "f", [&text]() -> copas::task<std::string> { co_return text; });
  call_from_a_thread(state, calling);
  state.SetBytesProcessed(state.iterations() * batch * state.range());
}
BENCHMARK(push_of_a_string)->Arg(32)->Arg(1 << 10)->Arg(1 << 16);

}  // namespace
