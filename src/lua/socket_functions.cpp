// The native part of the socket module.

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "copas/io/output_buffer.hpp"
#include "lua/blocking.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/names.hpp"
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
  flush_gathered_output();
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

  flush_gathered_output();
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
  add_dns_functions(L);
  lua_setfield(L, -2, "dns");
}

}  // namespace copas::lua
