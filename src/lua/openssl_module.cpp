// copas.openssl, the companion that brings OpenSSL: what `require` gives is its engine, and the version it belongs to.
#include "copas/tls/engine.hpp"
#include "lua/compat.hpp"

extern "C" __attribute__((visibility("default"))) int luaopen_copas_openssl(lua_State* L) {
  lua_createtable(L, 0, 2);
  lua_pushlightuserdata(L, &copas::tls::openssl_engine());
  lua_setfield(L, -2, "engine");
  lua_pushliteral(L, COPAS_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
