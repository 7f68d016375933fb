// The native part of copas.http, the rest of which is in lua/copas/http*.lua: its functions, and the connections that are
// kept.

#include "lua/http_functions.hpp"

#include <algorithm>
#include <chrono>

#include "copas/http/pool.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/scheduler.hpp"
#include "lua/socket_object.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

using pool_object = userdata<http::connection_pool>;

// Upvalue 3 of the functions of the pool.
http::connection_pool& pool_of(lua_State* L) {
  scheduler::of(L);  // raises an error if it is closed
  return *pool_object::to(L, lua_upvalueindex(3));
}

// The connections that are kept have their objects, what Lua calls them by, in a table by their address, upvalue 4. It may
// have more, which were closed meanwhile.

// take(key): the object of a connection that is good; nil if there is none
int take(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  std::size_t length = 0;
  const char* const key = luaL_checklstring(L, 1, &length);
  if (pool.size() == 0) return 0;
  const void* address = nullptr;
  {
    const ref<stream> found = pool.take({key, length});
    if (!found) return 0;
    address = found.get();  // the object holds it, too
  }
  lua_rawgetp(L, lua_upvalueindex(4), address);
  lua_pushnil(L);
  lua_rawsetp(L, lua_upvalueindex(4), address);
  return 1;
}

// put(key, object, native connection, seconds): keeps it, for so long at most if that is given, or closes it; true if it is kept
int put(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  std::size_t length = 0;
  const char* const key = luaL_checklstring(L, 1, &length);
  const socket_object* const object = socket_object::to(L, 3);
  if (object == nullptr || object->role() != socket_role::client) {
    refuse_argument(L, 3, "native connection expected");
  }
  std::chrono::nanoseconds idle = pool.limit().idle;
  if (!lua_isnoneornil(L, 4)) idle = std::min(idle, from_seconds(luaL_checknumber(L, 4)));
  lua_pushvalue(L, 2);
  lua_rawsetp(L, lua_upvalueindex(4), &object->connection());
  pool.put({key, length}, object->stream(), idle);
  lua_pushboolean(L, object->socket().open() ? 1 : 0);
  return 1;
}

// keep(connections for each key, all together, seconds)
int keep(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  http::connection_pool::limits most = pool.limit();
  most.per_key = static_cast<std::size_t>(luaL_optinteger(L, 1, static_cast<lua_Integer>(most.per_key)));
  most.total = static_cast<std::size_t>(luaL_optinteger(L, 2, static_cast<lua_Integer>(most.total)));
  if (!lua_isnoneornil(L, 3)) most.idle = from_seconds(luaL_checknumber(L, 3));
  pool.limit(most);
  return 0;
}

// kept(): how many connections nobody uses
int kept(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(pool_of(L).size()));
  return 1;
}

// forget(): closes those
int forget(lua_State* L) {
  pool_of(L).clear();
  return 0;
}

std::span<const luaL_Reg> pool_functions() noexcept {
  static constexpr luaL_Reg functions[] = {
      {"forget", guarded<forget>}, {"keep", guarded<keep>}, {"kept", guarded<kept>},
      {"put", guarded<put>},       {"take", guarded<take>},
  };
  return functions;
}

// http(): what copas.http is built on
int native_http(lua_State* L) {
  lua_settop(L, 0);
  define_http_reader(L);
  pool_object::define(L, "pool");
  pool_object::push(L, scheduler::of(L).loop());
  lua_newtable(L);
  lua_newtable(L);
  for (const auto functions : {http_reader_functions(), http_text_functions(), pool_functions()}) {
    for (const luaL_Reg& each : functions) {
      lua_pushvalue(L, lua_upvalueindex(1));
      lua_pushvalue(L, lua_upvalueindex(2));
      lua_pushvalue(L, 1);
      lua_pushvalue(L, 3);
      lua_pushcclosure(L, each.func, 4);
      lua_setfield(L, 2, each.name);
    }
  }
  lua_pushvalue(L, 3);
  lua_setfield(L, 2, "objects");
  lua_settop(L, 2);
  return 1;
}

}  // namespace

void add_http_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "http", guarded<native_http>);
}

}  // namespace copas::lua
