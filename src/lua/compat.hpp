#pragma once

// Lua's C API, and what differs between its versions. Only this file asks which Lua it is compiled for.

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

#if LUA_VERSION_NUM < 503
#include <compat-5.3.h>
#undef lua_resume  // both are wrapped below
#undef lua_callk
#undef lua_yieldk
#endif

#if LUA_VERSION_NUM < 502
#undef lua_isyieldable
extern "C" __attribute__((weak)) int lua_isyieldable(lua_State* L);  // LuaJIT has it, Lua 5.1 does not
#endif

namespace copas::lua {

/// Can a C function call Lua code that waits? (Otherwise Lua code has to make the call.)
inline constexpr bool c_may_call_what_waits = LUA_VERSION_NUM >= 502;

/// Can a coroutine that began with a C function go on after that has yielded?
inline constexpr bool resumes_c_functions = LUA_VERSION_NUM >= 502;

/// Does Lua always tell beforehand that a coroutine cannot yield?
inline constexpr bool tells_whether_yieldable = LUA_VERSION_NUM >= 503;

/// Do the arguments of a C function stay on the stack of a coroutine that it yields from?
inline constexpr bool keeps_arguments = LUA_VERSION_NUM >= 502;

/// False if a yield of `L` would certainly fail.
inline bool is_yieldable(lua_State* L) {
#if LUA_VERSION_NUM >= 503
  return lua_isyieldable(L) != 0;
#elif LUA_VERSION_NUM < 502
  return lua_isyieldable == nullptr || lua_isyieldable(L) != 0;
#else
  static_cast<void>(L);
  return true;
#endif
}

/// Pushes a number as an integer where it is one and Lua has them.
inline void push_number(lua_State* L, lua_Number number) {
  const auto whole = static_cast<lua_Integer>(number);
  if (static_cast<lua_Number>(whole) == number) {
    lua_pushinteger(L, whole);
  } else {
    lua_pushnumber(L, number);
  }
}

/// Has the program stopped the collector? Lua 5.1 does not tell.
inline bool collector_is_stopped(lua_State* L) {
#ifdef LUA_GCISRUNNING
  return lua_gc(L, LUA_GCISRUNNING, 0) == 0;
#else
  static_cast<void>(L);
  return false;
#endif
}

/// Leaves generational mode, where Lua has it: in it, which Lua 5.4's own interpreter sets, a step collects what is young
/// at once, and never tells that a cycle is over.
inline void choose_incremental_mode(lua_State* L) {
#if LUA_VERSION_NUM >= 504
  lua_gc(L, LUA_GCINC, 0, 0, 0);
#elif defined LUA_GCINC
  lua_gc(L, LUA_GCINC, 0);
#else
  static_cast<void>(L);
#endif
}

/// Can a C function go on, and raise an error, after it has yielded? (Otherwise its results are those of the yield.)
inline constexpr bool goes_on_after_yield = LUA_VERSION_NUM >= 502;

/// Yields the value on top of the stack and drops the others; then `Settle(L, count)`, with the values that `L` was resumed
/// with, ends the C function, where it can go on.
template <int (*Settle)(lua_State*, int)>
int yield_and_settle(lua_State* L) {
  lua_insert(L, 1);
  lua_settop(L, 1);
#if LUA_VERSION_NUM >= 503
  return lua_yieldk(L, 1, 0, [](lua_State* state, int, lua_KContext) { return Settle(state, lua_gettop(state)); });
#elif LUA_VERSION_NUM == 502
  return lua_yieldk(L, 1, 0, [](lua_State* state) { return Settle(state, lua_gettop(state)); });
#else
  return lua_yield(L, 1);
#endif
}

/// lua_resume of all versions.
/// @param results  is set to the number of values on top of the thread's stack, if it ended or yielded.
inline int resume(lua_State* thread, lua_State* from, int arguments, int& results) {
#if LUA_VERSION_NUM >= 504
  return lua_resume(thread, from, arguments, &results);
#else
#if LUA_VERSION_NUM >= 502
  const int status = lua_resume(thread, from, arguments);
#else
  static_cast<void>(from);
  const int status = lua_resume(thread, arguments);
#endif
  results = lua_gettop(thread);
  return status;
#endif
}

/// Runs the to-be-closed variables of a thread that ended with an error or will never be resumed, where Lua has them. The
/// error that Lua then leaves on its stack would make it count as suspended.
inline void close_thread(lua_State* thread, lua_State* from) {
#if LUA_VERSION_NUM >= 504
#if LUA_VERSION_RELEASE_NUM >= 50406
  lua_closethread(thread, from);
#else
  static_cast<void>(from);
  lua_resetthread(thread);
#endif
  lua_settop(thread, 0);
#else
  static_cast<void>(thread);
  static_cast<void>(from);
#endif
}

/// Can a pointer be pushed without an error in every Lua that this is compiled for?
inline constexpr bool pushes_pointers_freely = LUA_VERSION_NUM >= 502;

/// Lets Lua see a pointer, so that those to addresses near it are pushed without allocating: LuaJIT keeps a list of regions.
inline void meet_address(lua_State* L, void* address) {
  lua_pushlightuserdata(L, address);
  lua_pop(L, 1);
}

/// Calls a C function without arguments or results in protected mode. In 5.1 and LuaJIT pushing one may raise an error.
inline int call_protected(lua_State* L, lua_CFunction function) {
#if LUA_VERSION_NUM >= 502
  lua_pushcfunction(L, function);
  return lua_pcall(L, 0, 0, 0);
#else
  return lua_cpcall(L, function, nullptr);
#endif
}

/// Calls the function below `arguments` values, which may wait if `c_may_call_what_waits`, as the end of a C function.
inline int tail_call(lua_State* L, int arguments) {
#if LUA_VERSION_NUM >= 503
  lua_callk(L, arguments, LUA_MULTRET, 0, [](lua_State* state, int, lua_KContext) { return lua_gettop(state); });
#elif LUA_VERSION_NUM == 502
  lua_callk(L, arguments, LUA_MULTRET, 0, [](lua_State* state) { return lua_gettop(state); });
#else
  lua_call(L, arguments, LUA_MULTRET);
#endif
  return lua_gettop(L);
}

}  // namespace copas::lua
