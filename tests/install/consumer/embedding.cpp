#include <chrono>
#include <copas/copas.hpp>
#include <copas/lua.hpp>
#include <lua.hpp>
#include <string>

static copas::task<std::string> greeting(copas::loop& events) {
  co_await copas::sleep_for(events, std::chrono::milliseconds{1});
  co_return "hello from both";
}

int main() {
  lua_State* const L = luaL_newstate();
  luaL_openlibs(L);
  copas::lua::open(L);
  copas::lua::set_function(L, "greeting", &greeting);
  luaL_dostring(L, "require('copas').addthread(function() print(greeting()) end)");
  copas::lua::run(L);
  lua_close(L);
}
