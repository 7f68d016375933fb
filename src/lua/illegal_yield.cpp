#include "lua/illegal_yield.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <iterator>
#include <string_view>

#include "lua/state.hpp"

namespace copas::lua {
namespace {

// How Luas say it: 5.2 to 5.4, LuaJIT, 5.1.
constexpr std::string_view words[] = {"attempt to yield across a C-call boundary",
                                      "attempt to yield across C-call boundary",
                                      "attempt to yield across metamethod/C-call boundary"};

// Is the function on top of the stack one of the module's own? They have the shared state as their first upvalue.
bool is_of_module(lua_State* L, const state& shared) {
  if (lua_getupvalue(L, -1, 1) == nullptr) return false;
  const bool found = lua_touserdata(L, -1) == &shared;
  lua_pop(L, 1);
  return found;
}

// Pushes what the table of modules calls the function at `function`, "table.sort" for one; false if it is in none.
bool push_library_name(lua_State* L, int function) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  const int modules = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, modules) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1)) continue;
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING || lua_rawequal(L, -1, function) == 0) continue;
      const char* const module = lua_tostring(L, -4);
      const char* const name = lua_tostring(L, -2);
      if (std::strcmp(module, "_G") == 0) {
        lua_pushstring(L, name);
      } else {
        lua_pushfstring(L, "%s.%s", module, name);
      }
      lua_replace(L, modules);
      lua_settop(L, modules);
      return true;
    }
  }
  lua_settop(L, modules - 1);
  return false;
}

// These let a yield pass, in Luas where a C function can.
bool lets_yields_pass(std::string_view name) { return name == "pcall" || name == "xpcall" || name == "dofile"; }

// Leaves on top of `L`, perhaps with something below, the name of the C function that called the Lua code which runs on `at`; false if there is none.
bool push_name_in_the_way(lua_State* L, const state& shared, lua_State* at) {
  if (lua_checkstack(at, 1) == 0 || lua_checkstack(L, 10) == 0) return false;
  const int top = lua_gettop(L);
  lua_Debug frame;
  for (int level = 0; lua_getstack(at, level, &frame) != 0 && lua_getinfo(at, "Snf", &frame) != 0; ++level) {
    if (at != L) lua_xmove(at, L, 1);
    if (frame.name != nullptr && std::strcmp(frame.name, "__gc") == 0) {  // what it interrupted is not in the way
      lua_pushliteral(L, "__gc");
      return true;
    }
    if (std::strcmp(frame.what, "C") == 0 && !is_of_module(L, shared)) {
      if (!push_library_name(L, top + 1)) lua_pushstring(L, frame.name != nullptr ? frame.name : "?");
      if (!lets_yields_pass(lua_tostring(L, -1))) return true;
    }
    lua_settop(L, top);
  }
  return false;
}

}  // namespace

void raise_illegal_yield(lua_State* L, const state& shared) {
  const char* const said = words[LUA_VERSION_NUM == 501 ? 1 : 0].data();
  if (push_name_in_the_way(L, shared, L)) {
    lua_pushfstring(L, "%s: %s is in the way", said, lua_tostring(L, -1));
  } else {
    lua_pushstring(L, said);
  }
  lua_error(L);
  std::terminate();  // lua_error does not return
}

void explain_illegal_yield(lua_State* L, const state& shared, lua_State* failed) {
  if (lua_type(L, -1) != LUA_TSTRING) return;
  if (std::ranges::find(words, std::string_view{lua_tostring(L, -1)}) == std::end(words)) return;
  const int text = lua_gettop(L);
  if (!push_name_in_the_way(L, shared, failed)) return;
  lua_pushfstring(L, "%s: %s is in the way", lua_tostring(L, text), lua_tostring(L, -1));
  lua_replace(L, text);
  lua_settop(L, text);
}

}  // namespace copas::lua
