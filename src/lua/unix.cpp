// Objects of Unix sockets, for streams and for datagrams.
#include "copas/net/unix.hpp"

#include <array>

#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/datagrams.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"
#include "lua/unix.hpp"

namespace copas::lua {

result<unix_address> check_path(lua_State* L, int index) {
  std::size_t length = 0;
  const char* path = luaL_checklstring(L, index, &length);
  return unix_address::of({path, length});
}

namespace {

int bind(lua_State* L, const socket_object& object) {
  const auto local = check_path(L, 2);
  return push_outcome(L, local ? bind_to(object.fd(), *local) : local.error());
}

int method_bind_stream(lua_State* L) { return bind(L, self(L, socket_role::master)); }

int method_bind_datagram(lua_State* L) { return bind(L, self(L, socket_role::unconnected)); }

int method_connect_stream(lua_State* L) {
  socket_object& object = self(L, socket_role::master);
  const auto to = check_path(L, 2);
  if (!to) return push_failure(L, to.error());
  std::error_code error;
  {
    unix_connect_operation connecting{nullptr, object.stream(), *to};
    perform(connecting, object.socket(), object.blocking);
    error = connecting.await_resume();
  }
  if (error) return push_failure(L, error);
  object.become(L, 1, socket_role::client);
  return push_one(L);
}

int method_connect_datagram(lua_State* L) {
  socket_object& object = self(L);
  const auto to = check_path(L, 2);
  const std::error_code error = to ? set_peer(object.fd(), *to) : to.error();
  if (error) return push_failure(L, error);
  object.become(L, 1, socket_role::connected);
  return push_one(L);
}

// sendto(data, path)
int method_sendto(lua_State* L) {
  const socket_object& object = self(L, socket_role::unconnected);
  const send_range data = check_whole_string(L, 2);
  const auto to = check_path(L, 3);
  if (!to) return push_failure(L, to.error());
  transfer outcome;
  {
    unix_send_to_operation sending{object.socket().home(), object.shared(), data.bytes(), to->bytes()};
    perform(sending, object.socket(), object.blocking);
    outcome = sending.await_resume();
  }
  return push_sent_datagram(L, outcome);
}

int method_getsockpath(lua_State* L) {
  const auto found = local_unix_address(self(L).fd());
  if (!found) return push_failure(L, found.error());
  lua_pushlstring(L, found->path().data(), found->path().size());
  return 1;
}

int make_stream(lua_State* L) {
  return push_opened(L, {socket_kind::unix_stream, socket_role::master}, family::unspecified, open_unix_stream);
}

int make_datagram(lua_State* L) {
  return push_opened(L, {socket_kind::unix_datagram, socket_role::unconnected}, family::unspecified,
                     open_unix_datagram);
}

constexpr std::array stream_methods{
    luaL_Reg{"accept", guarded<method_accept>},
    luaL_Reg{"bind", guarded<method_bind_stream>},
    luaL_Reg{"close", guarded<method_close>},
    luaL_Reg{"connect", guarded<method_connect_stream>},
    luaL_Reg{"dirty", guarded<method_dirty>},
    luaL_Reg{"getfd", guarded<method_getfd>},
    luaL_Reg{"getsockname", guarded<method_getsockpath>},
    luaL_Reg{"getstats", guarded<method_getstats>},
    luaL_Reg{"listen", guarded<method_listen>},
    luaL_Reg{"receive", guarded<method_receive>},
    luaL_Reg{"send", guarded<method_send>},
    luaL_Reg{"setfd", guarded<method_setfd>},
    luaL_Reg{"setoption", guarded<method_setoption>},
    luaL_Reg{"setpeername", guarded<method_connect_stream>},
    luaL_Reg{"setsockname", guarded<method_bind_stream>},
    luaL_Reg{"setstats", guarded<method_setstats>},
    luaL_Reg{"settimeout", guarded<method_settimeout>},
    luaL_Reg{"shutdown", guarded<method_shutdown>},
};

constexpr std::array datagram_methods{
    luaL_Reg{"bind", guarded<method_bind_datagram>},
    luaL_Reg{"close", guarded<method_close>},
    luaL_Reg{"connect", guarded<method_connect_datagram>},
    luaL_Reg{"dirty", guarded<method_dirty>},
    luaL_Reg{"getfd", guarded<method_getfd>},
    luaL_Reg{"getsockname", guarded<method_getsockpath>},
    luaL_Reg{"gettimeout", guarded<method_gettimeout>},
    luaL_Reg{"receive", guarded<method_receive_datagram>},
    luaL_Reg{"receivefrom", guarded<method_receivefrom>},
    luaL_Reg{"send", guarded<method_send_datagram>},
    luaL_Reg{"sendto", guarded<method_sendto>},
    luaL_Reg{"setfd", guarded<method_setfd>},
    luaL_Reg{"setoption", guarded<method_setoption>},
    luaL_Reg{"setpeername", guarded<method_connect_datagram>},
    luaL_Reg{"setsockname", guarded<method_bind_datagram>},
    luaL_Reg{"settimeout", guarded<method_settimeout>},
};

}  // namespace

void push_unix_functions(lua_State* L) {
  register_socket_classes(L, socket_kind::unix_stream, {socket_role::master, socket_role::client, socket_role::server},
                          stream_methods);
  register_socket_classes(L, socket_kind::unix_datagram, {socket_role::unconnected, socket_role::connected},
                          datagram_methods);
  lua_newtable(L);
  set_function(L, "stream", guarded<make_stream>);
  set_function(L, "dgram", guarded<make_datagram>);
  lua_getfield(L, -1, "stream");
  lua_setfield(L, -2, "tcp");
  lua_getfield(L, -1, "dgram");
  lua_setfield(L, -2, "udp");
  lua_createtable(L, 0, 1);
  set_function(L, "__call", guarded<make_stream>);
  lua_setmetatable(L, -2);
}

}  // namespace copas::lua
