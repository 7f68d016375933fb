#pragma once

#include <chrono>
#include <memory>
#include <new>
#include <utility>

#include "lua/compat.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"
#include "lua/state.hpp"
#include "lua/tables.hpp"
#include "lua/thread.hpp"

namespace copas::lua {

/// A C++ object that Lua owns: a userdata, which is field 1 of the table that users have.
///
/// It may be collected at any time, so its destructor must not depend on anything else that Lua owns.
template <class T>
class boxed {
 public:
  /// Pushes the userdata, with a new object in it.
  template <class... Arguments>
  static void push(lua_State* L, Arguments&&... arguments) {
    auto* made = static_cast<boxed*>(lua_newuserdata(L, sizeof(boxed)));
    push_metatable(L);
    new (made) boxed{std::forward<Arguments>(arguments)...};
    lua_setmetatable(L, -2);
  }

  /// What keeps the thread alive that waits for so long for something of the object, and what it keeps alive. A thread
  /// that nothing but the object can wake is held by the object, so that both can go.
  [[nodiscard]] static operands waited_for(lua_State* L, std::chrono::nanoseconds patience) {
    if (patience != unlimited) return {.socket = 0, .text = 1, .holder = 0};
    lua_rawgeti(L, 1, 1);
    auto* holder = static_cast<boxed*>(lua_touserdata(L, -1));
    if (!holder->holds_) add_own_table(L, -1, holder);
    holder->holds_ = true;
    return {.socket = 0, .text = 0, .holder = lua_gettop(L)};
  }

  /// The object of the table at index 1.
  ///
  /// @param expected  the text of the error that is raised if there is none.
  [[nodiscard]] static T& check(lua_State* L, const char* expected) {
    boxed* found = nullptr;
    if (lua_istable(L, 1)) {
      lua_rawgeti(L, 1, 1);
      if (lua_rawlen(L, -1) == sizeof(boxed)) found = static_cast<boxed*>(lua_touserdata(L, -1));
      lua_pop(L, 1);
    }
    if (found == nullptr || found->type_ != &type) refuse_argument(L, 1, expected);
    return found->object_;
  }

 private:
  template <class... Arguments>
  explicit boxed(Arguments&&... arguments) : object_{std::forward<Arguments>(arguments)...} {}

  static void push_metatable(lua_State* L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &type);
    if (lua_istable(L, -1)) return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    state::push(L);
    lua_pushcclosure(L, &finalise, 1);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &type);
  }

  static int finalise(lua_State* L) {
    auto& left = *static_cast<boxed*>(lua_touserdata(L, 1));
    left.type_ = nullptr;  // when the Lua state ends, it may still be used by other finalisers
    if (left.holds_) state::of(L).holder_collected(L, 1);
    std::destroy_at(&left.object_);
    return 0;
  }

  static inline const char type = 0;  // by its address
  const void* type_ = &type;
  bool holds_ = false;  // its own table has threads
  T object_;
};

}  // namespace copas::lua
