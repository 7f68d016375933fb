// UDP objects.
#include "copas/net/udp.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/datagrams.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"
#include "lua/lookups.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

int method_setsockname(lua_State* L) { return bind_inet(L, self(L, socket_role::unconnected)); }

// setpeername(host, port) as the work of a look-up.
struct set_first_peer {
  using outcome = std::error_code;
  socket_object* object;

  outcome run(result<std::vector<address>>&& found) const {
    return found ? with_first(*object, *found, set_peer) : found.error();
  }
  static int push(lua_State* L, state&, int object, const outcome& error) {
    if (error) return push_failure(L, error);
    socket_object::to(L, object)->become(L, object, socket_role::connected);
    return push_one(L);
  }
};

// setpeername("*") undoes setpeername(host, port).
int method_setpeername(lua_State* L) {
  socket_object& object = self(L);
  const char* const host = luaL_checkstring(L, 2);
  if (std::string_view{host} == "*") {
    static_cast<void>(clear_peer(object.fd()));
    object.become(L, 1, socket_role::unconnected);
    return push_one(L);
  }
  const char* const service = luaL_checkstring(L, 3);
  return with_addresses(L, {.host = host, .service = service, .wanted = object.inet, .by = transport::datagrams}, {},
                        set_first_peer{&object});
}

// sendto(data, host, port) as the work of a look-up. Makes the descriptor, if the object never had one.
struct send_to_first {
  using outcome = transfer;
  socket_object* object;
  send_range data;

  outcome run(result<std::vector<address>>&& found) const {
    if (!found) return {.bytes = 0, .error = found.error()};
    if (object->inet == family::unspecified) {
      const auto error = with_first(*object, *found, [](int, const address&) { return std::error_code{}; });
      if (error) return {.bytes = 0, .error = error};
      std::erase_if(*found, [this](const address& each) { return each.family() != object->inet; });
    }
    const address& to = found->front();
    send_datagram_operation sending{object->socket().home(), object->shared(), data.bytes(), to.bytes()};
    perform(sending, object->socket(), object->blocking);
    return sending.await_resume();
  }
  static int push(lua_State* L, state&, int, const outcome& sent) { return push_sent_datagram(L, sent); }
};

// A thread waits for the look-up of a name only.
int method_sendto(lua_State* L) {
  socket_object& object = self(L, socket_role::unconnected);
  const send_range data = check_whole_string(L, 2);
  const char* const host = luaL_checkstring(L, 3);
  const char* const service = luaL_checkstring(L, 4);
  return with_addresses(L, {.host = host, .service = service, .wanted = object.inet, .by = transport::datagrams},
                        {.timeout = lookup_timeout(object.blocking), .text = 2}, send_to_first{&object, data});
}

int method_getpeername(lua_State* L) { return push_peer(L, self(L, socket_role::connected)); }

template <family Which>
int make_udp(lua_State* L) {
  return push_opened(L, {socket_kind::udp, socket_role::unconnected}, Which, [](loop* helper) {
    return Which == family::unspecified ? result<unique_fd>{} : open_udp(Which, helper);
  });
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
