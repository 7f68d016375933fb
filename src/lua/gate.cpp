#include "lua/gate.hpp"

#include <new>

#include "copas/lua/error.hpp"
#include "lua/exceptions.hpp"
#include "lua/guard.hpp"
#include "lua/state.hpp"

namespace copas::lua {
namespace {

const char entry_key = 0;  // in the registry: `enter_body` as a Lua function, so that calling it allocates nothing
const char coroutine_key = 0;  // so that the gate's coroutine lives

struct job {
  void (*body)(lua_State*, void*) = nullptr;
  void* data = nullptr;
  bool lacks_memory = false;
};

int enter_body(lua_State* L) {
  job& entered = *static_cast<job*>(lua_touserdata(L, 1));
  lua_remove(L, 1);
  try {
    entered.body(L, entered.data);
  } catch (const std::bad_alloc&) {
    entered.lacks_memory = true;
    throw;
  }
  return 0;
}

// Makes the head of the list of free references, which luaL_unref would otherwise have to, and lack of memory would end
// the process there. (Lua 5.4 from 5.4.3 on makes it itself.)
void reserve_free_references(lua_State* L) {
  constexpr int head = 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, head);
  if (lua_isnil(L, -1)) {
    lua_pushinteger(L, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, head);
  }
  lua_pop(L, 1);
}

// What the gate is looked for by, and what is on the stack.
int meet_addresses(lua_State* L) {
  meet_address(L, const_cast<char*>(&entry_key));
  meet_address(L, static_cast<void*>(&L));
  return 0;
}

int make_gate(lua_State* L) {
  reserve_free_references(L);
  state& shared = state::push(L);
  lua_State* const own = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &coroutine_key);
  lua_pushcfunction(L, guarded<enter_body>);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &entry_key);
  shared.entrance = std::make_shared<gate>(own, shared);
  return 0;
}

[[noreturn]] void throw_error(lua_State* L, int status) {
  if (status == LUA_ERRMEM) {
    lua_pop(L, 1);
    throw std::bad_alloc{};
  }
  throw take_error(L);
}

}  // namespace

const std::shared_ptr<gate>& gate::of(lua_State* L) {
  if (!pushes_pointers_freely && call_protected(L, &meet_addresses) != LUA_OK) {
    lua_pop(L, 1);
    throw std::bad_alloc{};
  }
  const state* const known = state::find(L);
  if (known != nullptr && known->entrance) return known->entrance;
  if (known != nullptr && known->ended()) throw error{"the Lua state is closed"};
  if (call_protected(L, guarded<make_gate>) != LUA_OK) {
    lua_pop(L, 1);
    throw std::bad_alloc{};
  }
  return state::find(L)->entrance;
}

void gate::enter(lua_State* L, int values, void (*body)(lua_State*, void*), void* data) {
  job entered{.body = body, .data = data};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &entry_key);
  lua_pushlightuserdata(L, &entered);
  lua_rotate(L, -2 - values, 2);
  if (const int status = lua_pcall(L, 1 + values, 0, 0); status != LUA_OK) {
    throw_error(L, entered.lacks_memory ? LUA_ERRMEM : status);
  }
}

void gate::check_open() const {
  if (!open()) throw error{"the Lua state is closed"};
}

}  // namespace copas::lua
