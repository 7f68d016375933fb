// The native part of the socket module.

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <vector>

#include "lua/blocking.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {
namespace {

// The clock of the scheduler, if there is one: it may be virtual.
int socket_gettime(lua_State* L) {
  const auto& schedulers = state::of(L).schedulers;
  const std::chrono::nanoseconds now =
      schedulers.empty() ? std::chrono::system_clock::now().time_since_epoch() : schedulers.front().loop().io().wall();
  lua_pushnumber(L, to_seconds(now));
  return 1;
}

int socket_sleep(lua_State* L) {
  const double seconds = luaL_checknumber(L, 1);
  const deadline end = blocking_now() + from_seconds(seconds);
  if (!(seconds > 0)) return 0;
  for (;;) {
    const auto left = end - blocking_now();
    if (left <= std::chrono::nanoseconds::zero()) return 0;
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const timespec request{.tv_sec = whole.count(), .tv_nsec = (left - whole).count()};
    ::nanosleep(&request, nullptr);
  }
}

int socket_skip(lua_State* L) {
  const auto count = std::max<lua_Integer>(luaL_checkinteger(L, 1), 0);
  const lua_Integer left = lua_gettop(L) - 1 - count;
  return left > 0 ? static_cast<int>(left) : 0;
}

// The descriptor of the object on top of the stack; -1 if it has none.
int descriptor_of(lua_State* L) {
  if (const socket_object* object = socket_object::to(L, -1)) return object->fd();
  if (!lua_istable(L, -1) && !lua_isuserdata(L, -1)) return -1;
  lua_getfield(L, -1, "getfd");
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return -1;
  }
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  const auto fd = lua_isnumber(L, -1) ? static_cast<int>(lua_tonumber(L, -1)) : -1;
  lua_pop(L, 1);
  return fd;
}

// Has the object on top of the stack bytes that were read and not taken?
bool dirty(lua_State* L) {
  if (const socket_object* object = socket_object::to(L, -1)) return object->socket().holds_bytes();
  lua_getfield(L, -1, "dirty");
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  const bool answer = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return answer;
}

// What select(2) is to poll: entry `i` of `polled` stands for the object `position[i]` of the array at `table`.
struct candidate {
  int table;
  int position;
  bool ready;
};

// Memory of Lua's, for methods of other objects may raise errors.
template <class Element>
Element* allocate(lua_State* L, std::size_t count) {
  return static_cast<Element*>(lua_newuserdata(L, std::max<std::size_t>(count, 1) * sizeof(Element)));
}

int length_of(lua_State* L, int table) {
  if (lua_isnoneornil(L, table)) return 0;
  luaL_checktype(L, table, LUA_TTABLE);
  return static_cast<int>(lua_rawlen(L, table));
}

int wait_for_any(pollfd* polled, std::size_t count, std::chrono::nanoseconds timeout) {
  const deadline end = timeout == unlimited ? never : blocking_now() + timeout;
  for (;;) {
    timespec left{};
    if (end != never) {
      const auto rest = std::max(end - blocking_now(), std::chrono::nanoseconds::zero());
      const auto whole = std::chrono::floor<std::chrono::seconds>(rest);
      left = {.tv_sec = whole.count(), .tv_nsec = (rest - whole).count()};
    }
    const int ready = ::ppoll(polled, count, end == never ? nullptr : &left, nullptr);
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

void push_ready(lua_State* L, int table, const candidate* candidates, std::size_t count) {
  lua_newtable(L);
  int found = 0;
  for (std::size_t each = 0; each < count; ++each) {
    if (candidates[each].table != table || !candidates[each].ready) continue;
    lua_rawgeti(L, table, candidates[each].position);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, ++found);
    lua_pushinteger(L, found);
    lua_rawset(L, -3);
  }
}

// select(to_read, to_write [, timeout])
int socket_select(lua_State* L) {
  const std::chrono::nanoseconds timeout = optional_timeout(L, 3);
  lua_settop(L, 3);
  const int lengths[] = {length_of(L, 1), length_of(L, 2)};
  const auto most = static_cast<std::size_t>(lengths[0]) + static_cast<std::size_t>(lengths[1]);
  auto* polled = allocate<pollfd>(L, most);
  auto* candidates = allocate<candidate>(L, most);

  std::size_t count = 0;
  bool any = false;
  for (int table = 1; table <= 2; ++table) {
    for (int position = 1; position <= lengths[table - 1]; ++position) {
      lua_rawgeti(L, table, position);
      const int fd = descriptor_of(L);
      if (fd >= 0) {
        const bool buffered = table == 1 && dirty(L);
        any = any || buffered;
        polled[count] = {.fd = fd, .events = table == 1 ? short{POLLIN} : short{POLLOUT}, .revents = 0};
        candidates[count++] = {.table = table, .position = position, .ready = buffered};
      }
      lua_pop(L, 1);
    }
  }

  const int ready = wait_for_any(polled, count, any ? std::chrono::nanoseconds::zero() : timeout);
  for (std::size_t each = 0; each < count; ++each) {
    candidates[each].ready = candidates[each].ready || polled[each].revents != 0;
    any = any || candidates[each].ready;
  }
  push_ready(L, 1, candidates, count);
  push_ready(L, 2, candidates, count);
  if (any) return 2;
  if (ready < 0) {
    push_error(L, {errno, std::system_category()});
  } else {
    lua_pushliteral(L, "timeout");
  }
  return 3;
}

int dns_gethostname(lua_State* L) {
  char name[257] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return push_failure(L, {errno, std::system_category()});
  lua_pushstring(L, name);
  return 1;
}

// The addresses of a name as an array of { family, addr }.
int dns_getaddrinfo(lua_State* L) {
  const char* const name = luaL_checkstring(L, 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name, nullptr, &hints, &found);
  if (failed != 0) return push_failure(L, {failed, resolver_category()});
  lua_newtable(L);
  int count = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST] = "";
    ::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, each->ai_family == AF_INET6 ? "inet6" : "inet");
    lua_setfield(L, -2, "family");
    lua_pushstring(L, text);
    lua_setfield(L, -2, "addr");
    lua_rawseti(L, -2, ++count);
  }
  ::freeaddrinfo(found);
  return 1;
}

// The host database's entry for a name or an IPv4 address; null if there is none. Its memory is on the stack.
const hostent* find_host(lua_State* L, const char* host, int& error) {
  in_addr address{};
  const bool numeric = ::inet_aton(host, &address) != 0;
  auto* const entry = allocate<hostent>(L, 1);
  for (std::size_t size = 1024;; size *= 2) {
    char* const memory = allocate<char>(L, size);
    hostent* found = nullptr;
    const int failed = numeric
                           ? ::gethostbyaddr_r(&address, sizeof address, AF_INET, entry, memory, size, &found, &error)
                           : ::gethostbyname_r(host, entry, memory, size, &found, &error);
    if (failed != ERANGE) return found;
    lua_pop(L, 1);
  }
}

void push_ipv4(lua_State* L, const char* bytes) {
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, bytes, text, sizeof text);
  lua_pushstring(L, text);
}

void push_host(lua_State* L, const hostent& host) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, host.h_name);
  lua_setfield(L, -2, "name");
  lua_newtable(L);
  for (int each = 0; host.h_aliases[each] != nullptr; ++each) {
    lua_pushstring(L, host.h_aliases[each]);
    lua_rawseti(L, -2, each + 1);
  }
  lua_setfield(L, -2, "alias");
  lua_newtable(L);
  for (int each = 0; host.h_addr_list[each] != nullptr; ++each) {
    push_ipv4(L, host.h_addr_list[each]);
    lua_rawseti(L, -2, each + 1);
  }
  lua_setfield(L, -2, "ip");
}

int push_unknown_host(lua_State* L, int error) {
  lua_pushnil(L);
  lua_pushstring(L, error == HOST_NOT_FOUND ? "host not found" : ::hstrerror(error));
  return 2;
}

// toip(name or address): its first IPv4 address, and what is known about the host
int dns_toip(lua_State* L) {
  int error = 0;
  const hostent* const host = find_host(L, luaL_checkstring(L, 1), error);
  if (host == nullptr || host->h_addr_list[0] == nullptr) return push_unknown_host(L, error);
  push_ipv4(L, host->h_addr_list[0]);
  push_host(L, *host);
  return 2;
}

// tohostname(name or address): its canonical name, and what is known about the host
int dns_tohostname(lua_State* L) {
  int error = 0;
  const hostent* const host = find_host(L, luaL_checkstring(L, 1), error);
  if (host == nullptr) return push_unknown_host(L, error);
  lua_pushstring(L, host->h_name);
  push_host(L, *host);
  return 2;
}

// getnameinfo(host [, service]): the names of all addresses of a host, and the name of a service
int dns_getnameinfo(lua_State* L) {
  const char* const host = luaL_optstring(L, 1, nullptr);
  const char* const service = luaL_optstring(L, 2, nullptr);
  if (host == nullptr && service == nullptr) luaL_error(L, "host and serv cannot be both nil");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host, service, &hints, &found);
  if (failed != 0) return push_failure(L, {failed, resolver_category()});
  lua_newtable(L);
  char host_name[NI_MAXHOST] = "";
  char service_name[NI_MAXSERV] = "";
  int count = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    ::getnameinfo(each->ai_addr, each->ai_addrlen, host_name, sizeof host_name, service_name, sizeof service_name, 0);
    if (host == nullptr) continue;
    lua_pushstring(L, host_name);
    lua_rawseti(L, -2, ++count);
  }
  ::freeaddrinfo(found);
  if (service == nullptr) return 1;
  lua_pushstring(L, service_name);
  return 2;
}

}  // namespace

void push_socket_functions(lua_State* L) {
  lua_newtable(L);
  add_tcp_functions(L);
  add_udp_functions(L);
  set_function(L, "gettime", guarded<socket_gettime>);
  set_function(L, "select", guarded<socket_select>);
  set_function(L, "skip", guarded<socket_skip>);
  set_function(L, "sleep", guarded<socket_sleep>);
  lua_newtable(L);
  set_function(L, "getaddrinfo", guarded<dns_getaddrinfo>);
  set_function(L, "gethostname", guarded<dns_gethostname>);
  set_function(L, "getnameinfo", guarded<dns_getnameinfo>);
  set_function(L, "tohostname", guarded<dns_tohostname>);
  set_function(L, "toip", guarded<dns_toip>);
  lua_setfield(L, -2, "dns");
}

}  // namespace copas::lua
