// The socket options of LuaSocket's TCP objects.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "lua/errors.hpp"
#include "lua/tcp.hpp"

namespace copas::lua {
namespace {

enum class kind : std::uint8_t { boolean, number, linger, device, error };

struct option {
  std::string_view name;
  int level;
  int number;
  kind type;
  bool get;
  bool set;
};

constexpr std::array options{
    option{"bindtodevice", SOL_SOCKET, SO_BINDTODEVICE, kind::device, true, true},
    option{"error", SOL_SOCKET, SO_ERROR, kind::error, true, false},
    option{"ipv6-v6only", IPPROTO_IPV6, IPV6_V6ONLY, kind::boolean, false, true},
    option{"keepalive", SOL_SOCKET, SO_KEEPALIVE, kind::boolean, true, true},
    option{"linger", SOL_SOCKET, SO_LINGER, kind::linger, true, true},
    option{"recv-buffer-size", SOL_SOCKET, SO_RCVBUF, kind::number, true, true},
    option{"reuseaddr", SOL_SOCKET, SO_REUSEADDR, kind::boolean, true, true},
    option{"reuseport", SOL_SOCKET, SO_REUSEPORT, kind::boolean, true, true},
    option{"send-buffer-size", SOL_SOCKET, SO_SNDBUF, kind::number, true, true},
    option{"tcp-defer-accept", IPPROTO_TCP, TCP_DEFER_ACCEPT, kind::number, false, true},
    option{"tcp-fastopen", IPPROTO_TCP, TCP_FASTOPEN, kind::number, false, true},
    option{"tcp-fastopen-connect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, kind::number, false, true},
    option{"tcp-keepcnt", IPPROTO_TCP, TCP_KEEPCNT, kind::number, true, true},
    option{"tcp-keepidle", IPPROTO_TCP, TCP_KEEPIDLE, kind::number, true, true},
    option{"tcp-keepintvl", IPPROTO_TCP, TCP_KEEPINTVL, kind::number, true, true},
    option{"tcp-nodelay", IPPROTO_TCP, TCP_NODELAY, kind::boolean, true, true},
};

const option& check_option(lua_State* L, bool option::* supported) {
  const char* name = luaL_checkstring(L, 2);
  const auto* found = std::ranges::find(options, std::string_view{name}, &option::name);
  if (found == options.end() || !(found->*supported)) {
    luaL_argerror(L, 2, lua_pushfstring(L, "unsupported option `%s'", name));
  }
  return *found;
}

void check_boolean(lua_State* L, int index) {
  if (lua_isboolean(L, index)) return;
  luaL_argerror(L, index, lua_pushfstring(L, "boolean expected, got %s", luaL_typename(L, index)));
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

int push_set(lua_State* L, int fd, const option& which, const void* value, std::size_t size) {
  if (::setsockopt(fd, which.level, which.number, value, static_cast<socklen_t>(size)) != 0) {
    lua_pushnil(L);
    lua_pushliteral(L, "setsockopt failed");
    return 2;
  }
  lua_pushinteger(L, 1);
  return 1;
}

int push_get_failure(lua_State* L) {
  lua_pushnil(L);
  lua_pushliteral(L, "getsockopt failed");
  return 2;
}

int get_linger(lua_State* L, int fd, const option& which) {
  linger value{};
  socklen_t size = sizeof value;
  if (::getsockopt(fd, which.level, which.number, &value, &size) != 0) return push_get_failure(L);
  lua_createtable(L, 0, 2);
  lua_pushboolean(L, value.l_onoff);
  lua_setfield(L, -2, "on");
  lua_pushinteger(L, value.l_linger);
  lua_setfield(L, -2, "timeout");
  return 1;
}

int get_device(lua_State* L, int fd, const option& which) {
  char name[64];
  socklen_t size = sizeof name;
  if (::getsockopt(fd, which.level, which.number, name, &size) != 0) return push_get_failure(L);
  lua_pushlstring(L, name, ::strnlen(name, size));
  return 1;
}

}  // namespace

int tcp_setoption(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  const option& which = check_option(L, &option::set);
  switch (which.type) {
    case kind::linger: {
      const linger value = check_linger(L, 3);
      return push_set(L, object.fd(), which, &value, sizeof value);
    }
    case kind::device: {
      std::size_t length = 0;
      const char* name = luaL_checklstring(L, 3, &length);
      return push_set(L, object.fd(), which, name, length);
    }
    case kind::boolean: {
      check_boolean(L, 3);
      const int value = lua_toboolean(L, 3);
      return push_set(L, object.fd(), which, &value, sizeof value);
    }
    case kind::number:
    case kind::error: break;
  }
  const int value = static_cast<int>(luaL_checknumber(L, 3));
  return push_set(L, object.fd(), which, &value, sizeof value);
}

int tcp_getoption(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  const option& which = check_option(L, &option::get);
  if (which.type == kind::linger) return get_linger(L, object.fd(), which);
  if (which.type == kind::device) return get_device(L, object.fd(), which);

  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(object.fd(), which.level, which.number, &value, &size) != 0) return push_get_failure(L);
  if (which.type == kind::boolean) {
    lua_pushboolean(L, value);
  } else if (which.type == kind::number) {
    lua_pushinteger(L, value);
  } else if (value == 0) {
    lua_pushnil(L);
  } else {
    push_error(L, {value, std::system_category()});
  }
  return 1;
}

}  // namespace copas::lua
