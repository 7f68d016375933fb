// UDP objects.
#include "copas/net/udp.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/datagrams.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

int method_setsockname(lua_State* L) { return bind_inet(L, self(L, socket_role::unconnected)); }

// setpeername("*") undoes setpeername(host, port).
int method_setpeername(lua_State* L) {
  socket_object& object = self(L);
  const std::string_view host = luaL_checkstring(L, 2);
  if (host == "*") {
    static_cast<void>(clear_peer(object.fd()));
    object.become(L, 1, socket_role::unconnected);
    return push_one(L);
  }
  luaL_checkstring(L, 3);
  std::error_code error;
  {
    const auto candidates =
        resolve(lua_tostring(L, 2), lua_tostring(L, 3), object.inet, address_use::connecting, transport::datagrams);
    error = candidates ? with_first(object, *candidates, set_peer) : candidates.error();
  }
  if (error) return push_failure(L, error);
  object.become(L, 1, socket_role::connected);
  return push_one(L);
}

// What is no numeric address has the words of getaddrinfo(3) here, and here only.
int push_unparsed(lua_State* L, const std::error_code& error) {
  char message[128];
  std::snprintf(message, sizeof message, "%s", error.message().c_str());
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

// sendto(data, ip, port): makes the descriptor, if the object never had one.
int method_sendto(lua_State* L) {
  socket_object& object = self(L, socket_role::unconnected);
  const send_range data = check_whole_string(L, 2);
  luaL_checkstring(L, 3);
  luaL_checkstring(L, 4);
  transfer outcome;
  std::error_code unparsed;
  {
    const auto to = parse_address(lua_tostring(L, 3), lua_tostring(L, 4), object.inet);
    if (!to) {
      unparsed = to.error();
    } else if (object.inet == family::unspecified) {
      outcome.error = with_first(object, {*to}, [](int, const address&) { return std::error_code{}; });
    }
    if (to && !outcome.error) {
      send_datagram_operation sending{object.socket().home(), object.shared(), data.bytes(), to->bytes()};
      perform(sending, object.socket(), object.blocking);
      outcome = sending.await_resume();
    }
  }
  return unparsed ? push_unparsed(L, unparsed) : push_sent_datagram(L, outcome);
}

int method_getpeername(lua_State* L) { return push_peer(L, self(L, socket_role::connected)); }

template <family Which>
int make_udp(lua_State* L) {
  return push_opened(L, {socket_kind::udp, socket_role::unconnected}, Which,
                     [] { return Which == family::unspecified ? result<unique_fd>{} : open_udp(Which); });
}

constexpr std::array methods{
    luaL_Reg{"close", guarded<method_close>},
    luaL_Reg{"dirty", guarded<method_dirty>},
    luaL_Reg{"getfamily", guarded<method_getfamily>},
    luaL_Reg{"getfd", guarded<method_getfd>},
    luaL_Reg{"getoption", guarded<method_getoption>},
    luaL_Reg{"getpeername", guarded<method_getpeername>},
    luaL_Reg{"getsockname", guarded<method_getsockname>},
    luaL_Reg{"gettimeout", guarded<method_gettimeout>},
    luaL_Reg{"receive", guarded<method_receive_datagram>},
    luaL_Reg{"receivefrom", guarded<method_receivefrom>},
    luaL_Reg{"send", guarded<method_send_datagram>},
    luaL_Reg{"sendto", guarded<method_sendto>},
    luaL_Reg{"setfd", guarded<method_setfd>},
    luaL_Reg{"setoption", guarded<method_setoption>},
    luaL_Reg{"setpeername", guarded<method_setpeername>},
    luaL_Reg{"setsockname", guarded<method_setsockname>},
    luaL_Reg{"settimeout", guarded<method_settimeout>},
};

}  // namespace

void add_udp_functions(lua_State* L) {
  register_socket_classes(L, socket_kind::udp, {socket_role::unconnected, socket_role::connected}, methods);
  set_function(L, "udp", guarded<make_udp<family::unspecified>>);
  set_function(L, "udp4", guarded<make_udp<family::inet4>>);
  set_function(L, "udp6", guarded<make_udp<family::inet6>>);
}

}  // namespace copas::lua
