#include "copas/lua/reference.hpp"

#include "copas/lua/error.hpp"
#include "lua/registry_slot.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"
#include "lua/thread.hpp"

namespace copas::lua {

detail::registry_slot::registry_slot(lua_State* L, int index) : gate_{gate::of(L)} {
  const thread* const running = gate_->shared().current;
  home_ = running != nullptr ? &running->owner() : gate_->opened();
  lua_pushvalue(L, index);
  gate::enter(L, 1, [this](lua_State* inside) { key_ = luaL_ref(inside, LUA_REGISTRYINDEX); });
}

detail::registry_slot::~registry_slot() {
  if (gate_->open()) luaL_unref(gate_->lua(), LUA_REGISTRYINDEX, key_);
}

void detail::registry_slot::push(lua_State* L) const { lua_rawgeti(L, LUA_REGISTRYINDEX, key_); }

reference::reference(lua_State* L, int index) : slot_{std::make_shared<const detail::registry_slot>(L, index)} {}

reference::operator bool() const noexcept { return slot_ && slot_->entrance().open(); }

void reference::push(lua_State* L) const {
  if (!*this) return lua_pushnil(L);
  slot_->push(L);
}

namespace {

int checked(lua_State* L, int index) {
  if (!lua_isfunction(L, index)) throw error{std::string{"function expected, got "} + luaL_typename(L, index)};
  return index;
}

}  // namespace

function::function(lua_State* L, int index) : reference{L, checked(L, index)} {}

error::error(const std::string& message, std::string traceback, reference value)
    : std::runtime_error{message}, origin_{std::make_shared<const origin>(std::move(traceback), std::move(value))} {}

}  // namespace copas::lua
