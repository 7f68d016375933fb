// copas.cares, the companion that brings c-ares: what `require` gives is its engine, and the version it belongs to.
#include "copas/net/dns_engine.hpp"
#include "lua/compat.hpp"

extern "C" __attribute__((visibility("default"))) int luaopen_copas_cares(lua_State* L) {
  lua_createtable(L, 0, 2);
  lua_pushlightuserdata(L, &copas::dns::cares_engine());
  lua_setfield(L, -2, "engine");
  lua_pushliteral(L, COPAS_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
