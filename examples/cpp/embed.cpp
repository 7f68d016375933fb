// A C++ program with Lua inside: a C++ task produces readings, a Lua thread consumes them from the same queue, and calls
// back into C++. Both wait in one loop.
//
//     $ build/examples/embed
//     reading 1: 20.5
//     reading 2: 21.0
//     reading 3: 21.5
//     average: 21.00

#include <chrono>
#include <copas/copas.hpp>
#include <copas/lua.hpp>
#include <iostream>
#include <memory>

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

using namespace std::chrono_literals;

static copas::task<> measure(copas::loop& events, copas::queue<double>& readings) {
  for (int half_degrees = 41; half_degrees <= 43; ++half_degrees) {
    co_await copas::sleep_for(events, 10ms);
    if (!readings.push(half_degrees / 2.0)) co_return;  // nobody wants them any more
  }
  readings.stop();
}

static const char* const consumer = R"(
  local copas = require("copas")

  copas.addthread(function()
    local count, sum = 0, 0
    while true do
      local degrees = next_reading()   -- waits in C++, like any function of copas
      if not degrees then break end
      count, sum = count + 1, sum + degrees
      print(("reading %d: %.1f"):format(count, degrees))
    end
    print(("average: %.2f"):format(sum / count))
  end))";

int main() {
  const std::unique_ptr<lua_State, decltype(&lua_close)> owner{luaL_newstate(), &lua_close};
  lua_State* const L = owner.get();
  luaL_openlibs(L);

  copas::loop& events = copas::lua::open(L);
  copas::queue<double> readings{events};
  copas::scope tasks{events};
  tasks.spawn(measure(events, readings));
  copas::lua::set_function(L, "next_reading", [&readings] { return readings.pop(); });

  if (luaL_loadstring(L, consumer) != 0 || lua_pcall(L, 0, 0, 0) != 0) {
    std::cerr << lua_tostring(L, -1) << '\n';
    return 1;
  }
  copas::lua::run(L);
}
