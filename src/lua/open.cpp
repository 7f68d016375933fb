#include "copas/lua/open.hpp"

#include "copas/lua/error.hpp"
#include "lua/gate.hpp"
#include "lua/module.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"

namespace copas::lua {
namespace {

const char instance_key = 0;  // in the registry: the module that C++ has opened, so that its loop lives

void push_module(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "copas");
  lua_call(L, 1, 1);
}

// The scheduler of the module on top of the stack: it is an upvalue of the module's functions.
scheduler* scheduler_of(lua_State* L) {
  if (luaL_getmetafield(L, -1, "internal") == LUA_TNIL) return nullptr;
  lua_getfield(L, -1, "native");
  lua_getfield(L, -1, "spawn");
  const char* const found = lua_getupvalue(L, -1, 2);
  auto** const held = found != nullptr ? static_cast<scheduler**>(lua_touserdata(L, -1)) : nullptr;
  lua_settop(L, 1);
  return held != nullptr ? *held : nullptr;
}

scheduler* load(lua_State* L) {
  scheduler* found = nullptr;
  gate::enter(L, 0, [&found](lua_State* inside) {
    preload_modules(inside);
    push_module(inside);
    found = scheduler_of(inside);
    lua_rawsetp(inside, LUA_REGISTRYINDEX, &instance_key);
  });
  return found;
}

}  // namespace

loop& open(lua_State* L) {
  gate& entrance = *gate::of(L);
  if (entrance.opened() == nullptr) {
    scheduler* const loaded = load(L);
    if (!entrance.shared().has(loaded)) throw error{"copas was loaded from another library before"};
    entrance.set_opened(*loaded);
    loaded->rest_in(entrance.lua());
  }
  if (!entrance.shared().has(entrance.opened())) throw error{"the Lua state is closed"};
  return entrance.opened()->loop();
}

void run(lua_State* L) {
  open(L);
  gate::enter(L, 0, [](lua_State* inside) {
    lua_rawgetp(inside, LUA_REGISTRYINDEX, &instance_key);
    lua_getfield(inside, -1, "loop");
    lua_call(inside, 0, 0);
  });
}

}  // namespace copas::lua
