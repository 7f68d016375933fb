#include "lua_test.hpp"

#include "support/virtual_reactor.hpp"

// The schedulers of these tests run in virtual time.
namespace copas::lua {
std::unique_ptr<reactor> choose_reactor();
std::unique_ptr<reactor> choose_reactor() { return std::make_unique<testing::virtual_reactor>(); }
}  // namespace copas::lua

namespace copas::testing {

lua_owner new_lua() {
  lua_owner made{luaL_newstate()};
  luaL_openlibs(made.get());
  return made;
}

void script(lua_State* L, const std::string& chunk) {
  const std::string text = "local copas = require('copas') " + chunk;
  const bool failed = luaL_loadbuffer(L, text.data(), text.size(), "=script") != 0 || lua_pcall(L, 0, 0, 0) != 0;
  if (!failed) return;
  ADD_FAILURE() << lua_tostring(L, -1);
  lua_pop(L, 1);
}

std::string global(lua_State* L, const std::string& name) {
  lua_getglobal(L, "tostring");
  lua_getglobal(L, name.c_str());
  lua_call(L, 1, 1);
  std::string text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

lua::function lua_test::function(const std::string& name) {
  lua_getglobal(L, name.c_str());
  lua::function found{L, -1};
  lua_pop(L, 1);
  return found;
}

}  // namespace copas::testing
