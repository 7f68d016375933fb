// What TCP and UDP objects have in common: addresses, and their texts.
#include "lua/inet.hpp"

#include <cstdio>
#include <utility>

#include "copas/net/tcp.hpp"
#include "copas/net/udp.hpp"
#include "lua/lookups.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

const char* family_name(family which) {
  switch (which) {
    case family::inet4: return "inet";
    case family::inet6: return "inet6";
    case family::unspecified: break;
  }
  return "unspec";
}

}  // namespace

void push_host(lua_State* L, const address& of) {
  char host[64];
  std::snprintf(host, sizeof host, "%s", of.host().c_str());
  lua_pushstring(L, host);
}

int push_address(lua_State* L, const result<address>& found, family declared) {
  if (!found) return push_failure(L, found.error());
  push_host(L, *found);
  lua_pushinteger(L, found->port());
  lua_pushstring(L, family_name(declared == family::unspecified ? found->family() : declared));
  return 3;
}

std::error_code open_inet(socket_object& object, const address& wanted) {
  if (object.socket().open()) return {};
  loop* const helper = object.home().newest_loop();
  auto fd = object.kind() == socket_kind::tcp ? open_tcp(wanted.family(), helper) : open_udp(wanted.family(), helper);
  if (!fd) return fd.error();
  object.socket().replace(std::move(*fd));
  return {};
}

namespace {

// bind(host, port) as the work of a look-up.
struct bind_to_first {
  using outcome = std::error_code;
  socket_object* object;

  outcome run(result<std::vector<address>>&& found) const {
    return found ? with_first(*object, *found, [](int fd, const address& local) { return bind_to(fd, local); })
                 : found.error();
  }
  static int push(lua_State* L, state&, int, const outcome& error) { return push_outcome(L, error); }
};

}  // namespace

int bind_inet(lua_State* L, socket_object& object) {
  const char* const host = luaL_checkstring(L, 2);
  const char* const service = luaL_checkstring(L, 3);
  const transport by = object.is_datagram() ? transport::datagrams : transport::stream;
  return with_addresses(
      L, {.host = host, .service = service, .wanted = object.inet, .use = address_use::listening, .by = by}, {},
      bind_to_first{&object});
}

int method_getsockname(lua_State* L) {
  const socket_object& object = self(L);
  return push_address(L, local_address(object.fd()), object.inet);
}

int push_peer(lua_State* L, const socket_object& object) {
  return push_address(L, peer_address(object.fd()), object.inet);
}

int method_getfamily(lua_State* L) {
  lua_pushstring(L, self(L).inet == family::inet6 ? "inet6" : "inet4");
  return 1;
}

}  // namespace copas::lua
