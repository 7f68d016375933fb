// The socket options of LuaSocket's objects.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

// What the value of an option is in Lua.
enum class form : std::uint8_t { boolean, number, linger, device, error, ip, ip_membership, ipv6_membership, gather };

constexpr unsigned of(socket_kind kind) { return 1U << static_cast<unsigned>(kind); }
constexpr unsigned tcp = of(socket_kind::tcp) | of(socket_kind::tls);
constexpr unsigned udp = of(socket_kind::udp);
constexpr unsigned unix_stream = of(socket_kind::unix_stream);
constexpr unsigned unix_datagram = of(socket_kind::unix_datagram);

struct option {
  std::string_view name;
  int level;
  int number;
  form type;
  unsigned get;  // kinds of objects that have it
  unsigned set;
};

constexpr std::array options{
    option{"bindtodevice", SOL_SOCKET, SO_BINDTODEVICE, form::device, tcp, tcp},
    option{"broadcast", SOL_SOCKET, SO_BROADCAST, form::boolean, udp, udp},
    option{"dontroute", SOL_SOCKET, SO_DONTROUTE, form::boolean, udp, udp},
    option{"error", SOL_SOCKET, SO_ERROR, form::error, tcp | udp, 0},
    option{"gather-output", 0, 0, form::gather, tcp | unix_stream, tcp | unix_stream},  // of ours, not the system's
    option{"ip-add-membership", IPPROTO_IP, IP_ADD_MEMBERSHIP, form::ip_membership, 0, udp},
    option{"ip-drop-membership", IPPROTO_IP, IP_DROP_MEMBERSHIP, form::ip_membership, 0, udp},
    option{"ip-multicast-if", IPPROTO_IP, IP_MULTICAST_IF, form::ip, udp, udp},
    option{"ip-multicast-loop", IPPROTO_IP, IP_MULTICAST_LOOP, form::boolean, udp, udp},
    option{"ip-multicast-ttl", IPPROTO_IP, IP_MULTICAST_TTL, form::number, 0, udp},
    option{"ipv6-add-membership", IPPROTO_IPV6, IPV6_JOIN_GROUP, form::ipv6_membership, 0, udp},
    option{"ipv6-drop-membership", IPPROTO_IPV6, IPV6_LEAVE_GROUP, form::ipv6_membership, 0, udp},
    option{"ipv6-multicast-hops", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, form::number, udp, udp},
    option{"ipv6-multicast-loop", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, form::boolean, udp, udp},
    option{"ipv6-unicast-hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS, form::number, udp, udp},
    option{"ipv6-v6only", IPPROTO_IPV6, IPV6_V6ONLY, form::boolean, udp, tcp | udp},
    option{"keepalive", SOL_SOCKET, SO_KEEPALIVE, form::boolean, tcp, tcp | unix_stream},
    option{"linger", SOL_SOCKET, SO_LINGER, form::linger, tcp, tcp | unix_stream},
    option{"recv-buffer-size", SOL_SOCKET, SO_RCVBUF, form::number, tcp | udp, tcp | udp},
    option{"reuseaddr", SOL_SOCKET, SO_REUSEADDR, form::boolean, tcp | udp, tcp | udp | unix_stream | unix_datagram},
    option{"reuseport", SOL_SOCKET, SO_REUSEPORT, form::boolean, tcp | udp, tcp | udp},
    option{"send-buffer-size", SOL_SOCKET, SO_SNDBUF, form::number, tcp | udp, tcp | udp},
    option{"tcp-defer-accept", IPPROTO_TCP, TCP_DEFER_ACCEPT, form::number, 0, tcp},
    option{"tcp-fastopen", IPPROTO_TCP, TCP_FASTOPEN, form::number, 0, tcp},
    option{"tcp-fastopen-connect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, form::number, 0, tcp},
    option{"tcp-keepcnt", IPPROTO_TCP, TCP_KEEPCNT, form::number, tcp, tcp},
    option{"tcp-keepidle", IPPROTO_TCP, TCP_KEEPIDLE, form::number, tcp, tcp},
    option{"tcp-keepintvl", IPPROTO_TCP, TCP_KEEPINTVL, form::number, tcp, tcp},
    option{"tcp-nodelay", IPPROTO_TCP, TCP_NODELAY, form::boolean, tcp, tcp},
};

const option& check_option(lua_State* L, socket_kind kind, unsigned option::* supported) {
  const char* name = luaL_checkstring(L, 2);
  const auto* found = std::ranges::find(options, std::string_view{name}, &option::name);
  if (found == options.end() || (found->*supported & of(kind)) == 0) {
    refuse_argument(L, 2, lua_pushfstring(L, "unsupported option `%s'", name));
  }
  return *found;
}

int check_boolean(lua_State* L, int index) {
  if (!lua_isboolean(L, index)) {
    luaL_argerror(L, index, lua_pushfstring(L, "boolean expected, got %s", luaL_typename(L, index)));
  }
  return lua_toboolean(L, index);
}

linger check_linger(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  linger value{};
  lua_getfield(L, index, "on");
  if (!lua_isboolean(L, -1)) luaL_argerror(L, index, "boolean 'on' field expected");
  value.l_onoff = lua_toboolean(L, -1);
  lua_getfield(L, index, "timeout");
  if (!lua_isnumber(L, -1)) luaL_argerror(L, index, "number 'timeout' field expected");
  value.l_linger = static_cast<int>(lua_tonumber(L, -1));
  lua_pop(L, 2);
  return value;
}

// The text of an IPv4 address, or "*" for whichever the system chooses; false for any other.
bool parse_ip(const char* text, in_addr& into) {
  if (std::string_view{text} != "*") return ::inet_aton(text, &into) != 0;
  into.s_addr = htonl(INADDR_ANY);
  return true;
}

in_addr check_ip(lua_State* L, int index) {
  in_addr value{};
  if (!parse_ip(luaL_checkstring(L, index), value)) luaL_argerror(L, index, "ip expected");
  return value;
}

// The string in the field `name` of the table at `index`; it stays on the stack.
const char* check_string_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  if (lua_isstring(L, -1) == 0) luaL_argerror(L, index, lua_pushfstring(L, "string '%s' field expected", name));
  return lua_tostring(L, -1);
}

in_addr check_ip_field(lua_State* L, int index, const char* name) {
  in_addr value{};
  if (!parse_ip(check_string_field(L, index, name), value)) {
    luaL_argerror(L, index, lua_pushfstring(L, "invalid '%s' ip address", name));
  }
  return value;
}

ip_mreq check_ip_membership(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  ip_mreq value{};
  value.imr_multiaddr = check_ip_field(L, index, "multiaddr");
  value.imr_interface = check_ip_field(L, index, "interface");
  return value;
}

ipv6_mreq check_ipv6_membership(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  ipv6_mreq value{};
  if (::inet_pton(AF_INET6, check_string_field(L, index, "multiaddr"), &value.ipv6mr_multiaddr) != 1) {
    luaL_argerror(L, index, "invalid 'multiaddr' ip address");
  }
  lua_getfield(L, index, "interface");
  if (!lua_isnil(L, -1)) {
    if (lua_isnumber(L, -1) == 0) luaL_argerror(L, index, "number 'interface' field expected");
    value.ipv6mr_interface = static_cast<unsigned>(lua_tonumber(L, -1));
  }
  return value;
}

int push_set(lua_State* L, int fd, const option& which, const void* value, std::size_t size) {
  if (::setsockopt(fd, which.level, which.number, value, static_cast<socklen_t>(size)) == 0) return push_one(L);
  lua_pushnil(L);
  lua_pushliteral(L, "setsockopt failed");
  return 2;
}

template <class Value>
int push_set(lua_State* L, int fd, const option& which, const Value& value) {
  return push_set(L, fd, which, &value, sizeof value);
}

int push_get_failure(lua_State* L) {
  lua_pushnil(L);
  lua_pushliteral(L, "getsockopt failed");
  return 2;
}

// Asks for an option, whose length is set; false if there is none.
template <class Value>
bool ask(int fd, const option& which, Value& value, socklen_t& size) {
  size = sizeof value;
  return ::getsockopt(fd, which.level, which.number, &value, &size) == 0;
}

int get_linger(lua_State* L, int fd, const option& which) {
  linger value{};
  socklen_t size = 0;
  if (!ask(fd, which, value, size)) return push_get_failure(L);
  lua_createtable(L, 0, 2);
  lua_pushboolean(L, value.l_onoff);
  lua_setfield(L, -2, "on");
  lua_pushinteger(L, value.l_linger);
  lua_setfield(L, -2, "timeout");
  return 1;
}

int get_device(lua_State* L, int fd, const option& which) {
  char name[64];
  socklen_t size = 0;
  if (!ask(fd, which, name, size)) return push_get_failure(L);
  lua_pushlstring(L, name, ::strnlen(name, size));
  return 1;
}

int get_ip(lua_State* L, int fd, const option& which) {
  in_addr value{};
  socklen_t size = 0;
  if (!ask(fd, which, value, size)) return push_get_failure(L);
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &value, text, sizeof text);
  lua_pushstring(L, text);
  return 1;
}

int get_number(lua_State* L, int fd, const option& which) {
  int value = 0;
  socklen_t size = 0;
  if (!ask(fd, which, value, size)) return push_get_failure(L);
  if (which.type == form::boolean) {
    lua_pushboolean(L, value);
  } else if (which.type == form::number) {
    lua_pushinteger(L, value);
  } else if (value == 0) {
    lua_pushnil(L);
  } else {
    push_error(L, {value, std::system_category()});
  }
  return 1;
}

}  // namespace

int method_setoption(lua_State* L) {
  socket_object& object = self(L);
  const option& which = check_option(L, object.kind(), &option::set);
  flush_gathered_output();
  switch (which.type) {
    case form::gather: object.set_gathering(check_boolean(L, 3) != 0); return push_one(L);
    case form::linger: return push_set(L, object.fd(), which, check_linger(L, 3));
    case form::ip: return push_set(L, object.fd(), which, check_ip(L, 3));
    case form::ip_membership: return push_set(L, object.fd(), which, check_ip_membership(L, 3));
    case form::ipv6_membership: return push_set(L, object.fd(), which, check_ipv6_membership(L, 3));
    case form::boolean: return push_set(L, object.fd(), which, check_boolean(L, 3));
    case form::device: {
      std::size_t length = 0;
      const char* name = luaL_checklstring(L, 3, &length);
      return push_set(L, object.fd(), which, name, length);
    }
    case form::number:
    case form::error: break;
  }
  return push_set(L, object.fd(), which, static_cast<int>(luaL_checknumber(L, 3)));
}

int method_getoption(lua_State* L) {
  const socket_object& object = self(L);
  const option& which = check_option(L, object.kind(), &option::get);
  switch (which.type) {
    case form::gather: lua_pushboolean(L, object.gathers ? 1 : 0); return 1;
    case form::linger: return get_linger(L, object.fd(), which);
    case form::device: return get_device(L, object.fd(), which);
    case form::ip: return get_ip(L, object.fd(), which);
    default: return get_number(L, object.fd(), which);
  }
}

}  // namespace copas::lua
