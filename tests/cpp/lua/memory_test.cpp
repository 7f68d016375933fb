// Every allocation of Lua may fail: each time something else goes wrong, and nothing may be lost or left dangling.

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "lua_test.hpp"
#include "support/descriptors.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;

// Lua collects garbage when it gets no memory, and asks once more; 5.1 and LuaJIT do not.
constexpr int refusals_that_count = LUA_VERSION_NUM >= 502 ? 2 : 1;

// Lua's allocator, until it has been asked for more so many times. It never fails to shrink a block: Lua counts on that
// (manual, lua_Alloc), and 5.1 ends the process otherwise, when its collector shrinks the stack of a coroutine.
struct scarce_memory {
  long left = -1;  // negative: without a limit
  int refusals = 0;

  [[nodiscard]] bool failed() const noexcept { return refusals > 0; }

  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t size) {
    auto& memory = *static_cast<scarce_memory*>(self);
    if (size == 0) {
      std::free(block);
      return nullptr;
    }
    if (block != nullptr && size <= old_size) return std::realloc(block, size);
    if (memory.left > 0) {
      --memory.left;
    } else if (memory.left == 0 && memory.refusals < refusals_that_count) {
      ++memory.refusals;
      return nullptr;
    }
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

// Makes and uses sockets, as far as that goes.
void use_sockets(lua_State* L) {
  const char* const chunk = R"(
    local socket = require("copas.socket")
    local server = socket.bind("127.0.0.1", 0)
    local client = socket.tcp4()
    client:connect("127.0.0.1", select(2, server:getsockname()))
    local served = server:accept()
    served:send("some text that is not short, for what is short is copied\n")
    client:receive()
    socket.udp4():setsockname("127.0.0.1", 0))";
  if (luaL_loadstring(L, chunk) != 0 || lua_pcall(L, 0, 0, 0) != 0) throw std::runtime_error{"out of memory"};
}

class StressMemory : public ::testing::Test {
 public:
  // Calls `body` in a new state for each allocation that may fail from then on, or for each `step` of them, with each Lua
  // from another one on; @return how many there were.
  template <class Prepare, class Body>
  static long fail_each_allocation(Prepare prepare, Body body, int step = 1) {
    for (long allocations = LUA_VERSION_NUM % step;; allocations += step) {
      scarce_memory memory;
      lua_State* const L = lua_newstate(&scarce_memory::allocate, &memory);
      if (L == nullptr) return -1;  // this Lua has an allocator of its own
      lua_atpanic(L, [](lua_State*) -> int { std::abort(); });  // instead of the silent end of Lua 5.1
      luaL_openlibs(L);
      lua_pushnil(L);
      lua_setglobal(L, "print");  // what the default error handler calls
      prepare(L);

      memory.left = allocations;
      try {
        body(L);
      } catch (const std::exception&) {  // bad_alloc, or an error of Lua
      }
      memory.left = -1;

      lua_close(L);
      if (!memory.failed()) return allocations;
    }
  }
  static constexpr auto nothing = [](lua_State*) {};
};

// Stress: too many states for valgrind.
TEST_F(StressMemory, MayRunOutAnywhere) {
  const long count =
      fail_each_allocation([](lua_State* L) { lua::open(L); }, [](lua_State* L) { cross_the_bridge(L, lua::open(L)); });
  if (count < 0) GTEST_SKIP();

  EXPECT_GT(count, 100);
}

TEST_F(StressMemory, MayRunOutWhileTheModuleIsLoaded) {
  constexpr int step = 4;  // so that the four Luas together have all
  const long count = fail_each_allocation(nothing, [](lua_State* L) { lua::open(L); }, step);
  if (count < 0) GTEST_SKIP();

  EXPECT_GT(count, 100);
}

TEST_F(StressMemory, RunsOutWithoutLeavingDescriptorsBehind) {
  const std::ptrdiff_t before = testing::open_descriptors();

  bool finished = false;
  const long count = fail_each_allocation([](lua_State* L) { lua::open(L); },
                                          [&](lua_State* L) {
                                            finished = false;
                                            use_sockets(L);
                                            finished = true;
                                          });
  if (count < 0) GTEST_SKIP();

  EXPECT_TRUE(finished);
  EXPECT_EQ(testing::open_descriptors(), before);
}

}  // namespace
}  // namespace copas
