// Every allocation of Lua may fail: each time something else goes wrong, and nothing may be lost or left dangling.

#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;

// Lua's allocator, until it has been asked for more so many times. It never fails to shrink a block: Lua counts on that
// (manual, lua_Alloc), and 5.1 ends the process otherwise, when its collector shrinks the stack of a coroutine.
struct scarce_memory {
  long left = -1;  // negative: without a limit
  bool failed = false;

  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t size) {
    auto& memory = *static_cast<scarce_memory*>(self);
    if (size == 0) {
      std::free(block);
      return nullptr;
    }
    if (block != nullptr && size <= old_size) return std::realloc(block, size);
    if (memory.left == 0) memory.failed = true;
    if (memory.left >= 0 && memory.left-- == 0) return nullptr;
    return std::realloc(block, size);
  }
};

task<std::string> later(loop& home, std::string text) {
  co_await sleep_for(home, 1ms);
  co_return text + "!";
}

task<> fail(loop& home) {
  co_await yield(home);
  throw std::runtime_error{"no luck"};
}

task<std::string> apply(lua::function called, std::string argument) {
  co_return co_await lua::call<std::string>(called, argument);
}

// Everything that goes over the bridge, in both directions.
void cross_the_bridge(lua_State* L, loop& events) {
  lua::set_function(L, "later", &later);
  lua::set_function(L, "fail", &fail);
  lua::set_function(L, "apply", &apply);
  events.spawn(fail(events), "failing");
  const char* const chunk = R"(
    local copas = require("copas")
    copas.seterrorhandler(function(err) last = err end, true)
    for i = 1, 3 do
      copas.addthread(function()
        later("some text " .. i)
        apply(function(text) copas.pause(0.001) return later(text) end, "an argument")
        fail()
      end)
    end)";
  if (luaL_loadstring(L, chunk) == 0) static_cast<void>(lua_pcall(L, 0, 0, 0));
  lua::run(L);
}

// Stress: too many states for valgrind.
TEST(StressMemory, MayRunOutAnywhere) {
  scarce_memory memory;
  long allocations = 0;
  do {
    memory = {};
    lua_State* const L = lua_newstate(&scarce_memory::allocate, &memory);
    if (L == nullptr) GTEST_SKIP() << "this Lua has an allocator of its own";
    lua_atpanic(L, [](lua_State*) -> int { std::abort(); });  // instead of the silent end of Lua 5.1
    luaL_openlibs(L);
    lua_pushnil(L);
    lua_setglobal(L, "print");  // what the default error handler calls
    loop& events = lua::open(L);

    memory.left = allocations++;
    try {
      cross_the_bridge(L, events);
    } catch (const std::exception&) {  // bad_alloc, or an error of Lua
    }
    memory.left = -1;

    lua_close(L);
  } while (memory.failed);

  EXPECT_GT(allocations, 100);
}

}  // namespace
}  // namespace copas
