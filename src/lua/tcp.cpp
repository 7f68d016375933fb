// TCP objects.
#include "copas/net/tcp.hpp"

#include <array>
#include <utility>

#include "lua/blocking.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"
#include "lua/lookups.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

int method_bind(lua_State* L) { return bind_inet(L, self(L, socket_role::master)); }

// connect(host, port) as the work of a look-up.
struct connect_to_any {
  using outcome = std::error_code;
  socket_object* object;
  deadline start;

  outcome run(result<std::vector<address>>&& found) const {
    if (!found) return found.error();
    connect_operation connecting{nullptr, object->stream(), *std::move(found)};
    perform(connecting, object->socket(), limits_since(start, object->blocking));
    return connecting.await_resume();
  }
  static int push(lua_State* L, state&, int, const outcome& error) { return push_outcome(L, error); }
};

// Only the look-up waits for threads; what follows blocks as long as the object's limits say, as in LuaSocket.
int method_connect(lua_State* L) {
  socket_object& object = self(L);
  const char* const host = luaL_checkstring(L, 2);
  const char* const service = luaL_checkstring(L, 3);
  if (object.role() == socket_role::server) luaL_argerror(L, 1, "tcp{client} or tcp{master} expected");
  object.become(L, 1, socket_role::client);
  return with_addresses(L, {.host = host, .service = service, .wanted = object.inet},
                        {.timeout = lookup_timeout(object.blocking)}, connect_to_any{&object, blocking_now()});
}

int method_getpeername(lua_State* L) { return push_peer(L, self(L)); }

template <family Which>
int make_tcp(lua_State* L) {
  return push_opened(L, {socket_kind::tcp, socket_role::master}, Which, [](loop* helper) {
    return Which == family::unspecified ? result<unique_fd>{} : open_tcp(Which, helper);
  });
}

constexpr std::array tcp_methods{
    luaL_Reg{"accept", guarded<method_accept>},
    luaL_Reg{"bind", guarded<method_bind>},
    luaL_Reg{"close", guarded<method_close>},
    luaL_Reg{"connect", guarded<method_connect>},
    luaL_Reg{"dirty", guarded<method_dirty>},
    luaL_Reg{"getfamily", guarded<method_getfamily>},
    luaL_Reg{"getfd", guarded<method_getfd>},
    luaL_Reg{"getoption", guarded<method_getoption>},
    luaL_Reg{"getpeername", guarded<method_getpeername>},
    luaL_Reg{"getsockname", guarded<method_getsockname>},
    luaL_Reg{"getstats", guarded<method_getstats>},
    luaL_Reg{"gettimeout", guarded<method_gettimeout>},
    luaL_Reg{"listen", guarded<method_listen>},
    luaL_Reg{"receive", guarded<method_receive>},
    luaL_Reg{"send", guarded<method_send>},
    luaL_Reg{"setfd", guarded<method_setfd>},
    luaL_Reg{"setoption", guarded<method_setoption>},
    luaL_Reg{"setpeername", guarded<method_connect>},
    luaL_Reg{"setsockname", guarded<method_bind>},
    luaL_Reg{"setstats", guarded<method_setstats>},
    luaL_Reg{"settimeout", guarded<method_settimeout>},
    luaL_Reg{"shutdown", guarded<method_shutdown>},
};

}  // namespace

void add_tcp_functions(lua_State* L) {
  register_socket_classes(L, socket_kind::tcp, {socket_role::master, socket_role::client, socket_role::server},
                          tcp_methods);
  set_function(L, "tcp", guarded<make_tcp<family::unspecified>>);
  set_function(L, "tcp4", guarded<make_tcp<family::inet4>>);
  set_function(L, "tcp6", guarded<make_tcp<family::inet6>>);
}

}  // namespace copas::lua
