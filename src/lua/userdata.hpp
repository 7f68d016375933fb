#pragma once

#include <memory>
#include <new>
#include <span>
#include <utility>

#include "lua/compat.hpp"
#include "lua/guard.hpp"
#include "lua/state.hpp"

namespace copas::lua {

/// A C++ object in a userdata of its own, destroyed when Lua collects it. There is one class of them for each T.
template <class T>
class userdata {
 public:
  /// Defines the class, once for each Lua state: what its objects are called by tostring(), and their methods.
  static void define(lua_State* L, const char* title, std::span<const luaL_Reg> methods = {}) {
    lua_newtable(L);
    lua_newtable(L);
    for (const luaL_Reg& each : methods) set_function(L, each.name, each.func);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, &finalise);
    lua_setfield(L, -2, "__gc");
    lua_pushstring(L, title);
    lua_pushcclosure(L, &describe, 1);
    lua_setfield(L, -2, "__tostring");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &type);
  }

  /// Pushes a new object. @pre `define` was called
  template <class... Arguments>
  static T& push(lua_State* L, Arguments&&... arguments) {
    auto* const made = static_cast<userdata*>(lua_newuserdata(L, sizeof(userdata)));
    lua_rawgetp(L, LUA_REGISTRYINDEX, &type);
    new (made) userdata{std::forward<Arguments>(arguments)...};
    lua_setmetatable(L, -2);
    return made->object_;
  }

  /// Pushes an empty object, of a class that need not be defined: C++ values that are pushed from must be kept by Lua, for
  /// an error of Lua would leave those behind that are on the C++ stack.
  static T& keep(lua_State* L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &type);
    const bool defined = lua_istable(L, -1);
    lua_pop(L, 1);
    if (!defined) define(L, "kept value");
    return push(L);
  }

  /// The object at `index`; null if there is something else.
  [[nodiscard]] static T* to(lua_State* L, int index) noexcept {
    auto* const found = static_cast<userdata*>(lua_touserdata(L, index));
    if (found == nullptr || lua_rawlen(L, index) != sizeof(userdata) || found->type_ != &type) return nullptr;
    return &found->object_;
  }

  /// The object at `index`; raises "`expected` expected" if there is something else.
  [[nodiscard]] static T& check(lua_State* L, int index, const char* expected) {
    T* const found = to(L, index);
    if (found == nullptr) refuse_argument(L, index, expected);
    return *found;
  }

 private:
  template <class... Arguments>
  explicit userdata(Arguments&&... arguments) : object_{std::forward<Arguments>(arguments)...} {}

  static int finalise(lua_State* L) {
    auto& left = *static_cast<userdata*>(lua_touserdata(L, 1));
    if (std::exchange(left.type_, nullptr) != nullptr) std::destroy_at(&left.object_);
    return 0;
  }

  static int describe(lua_State* L) {
    lua_pushfstring(L, "%s: %p", lua_tostring(L, lua_upvalueindex(1)), lua_touserdata(L, 1));
    return 1;
  }

  static inline const char type = 0;  // by its address
  const void* type_ = &type;
  T object_;
};

}  // namespace copas::lua
