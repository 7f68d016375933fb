// Methods of all kinds of socket objects.
#include "lua/socket_methods.hpp"

#include "copas/io/output_buffer.hpp"
#include "lua/results.hpp"

namespace copas::lua {

int method_close(lua_State* L) {
  self(L).socket().close();
  return push_one(L);
}

int method_dirty(lua_State* L) {
  lua_pushboolean(L, self(L).socket().holds_bytes() ? 1 : 0);
  return 1;
}

int method_getfd(lua_State* L) {
  flush_gathered_output();  // whoever asks may send by it
  lua_pushinteger(L, self(L).fd());
  return 1;
}

int method_setfd(lua_State* L) {
  const socket_object& object = self(L);
  const auto fd = static_cast<int>(luaL_checkinteger(L, 2));
  flush_gathered_output();
  object.socket().replace(unique_fd{fd});
  return 0;
}

int method_settimeout(lua_State* L) {
  blocking_timeouts& limits = self(L).blocking;
  const double seconds = luaL_optnumber(L, 2, -1);
  switch (*luaL_optstring(L, 3, "b")) {
    case 'b': limits.block = seconds; break;
    case 't':
    case 'r': limits.total = seconds; break;
    default: luaL_argerror(L, 3, "invalid timeout mode");
  }
  return push_one(L);
}

int method_gettimeout(lua_State* L) {
  const blocking_timeouts& limits = self(L).blocking;
  push_number(L, limits.block < 0 ? -1 : limits.block);
  push_number(L, limits.total < 0 ? -1 : limits.total);
  return 2;
}

}  // namespace copas::lua
