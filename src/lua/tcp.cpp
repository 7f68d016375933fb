#include "lua/tcp.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "copas/net/tcp.hpp"
#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"

namespace copas::lua {
namespace {

const char magic = 0;
constexpr std::array class_names{"tcp{master}", "tcp{client}", "tcp{server}"};
const std::array<char, 3> metatable_keys{};
constexpr int default_backlog = 32;

const char* family_name(family which) {
  switch (which) {
    case family::inet4: return "inet";
    case family::inet6: return "inet6";
    case family::unspecified: break;
  }
  return "unspec";
}

int push_one(lua_State* L) {
  lua_pushinteger(L, 1);
  return 1;
}

int push_outcome(lua_State* L, const std::error_code& error) { return error ? push_failure(L, error) : push_one(L); }

std::string host_argument(lua_State* L, int index, address_use use) {
  std::string host = luaL_checkstring(L, index);
  if (host == "*") return use == address_use::listening ? "0.0.0.0" : "";
  return host;
}

std::error_code bind_first(tcp_object& object, const std::vector<address>& candidates) {
  std::error_code error;
  for (const address& each : candidates) {
    error = object.open(each.family());
    if (!error) error = bind_to(object.fd(), each);
    if (!error) return {};
    if (object.inet == family::unspecified) object.socket().close();
  }
  return error;
}

int method_bind(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1, tcp_class::master);
  luaL_checkstring(L, 2);
  luaL_checkstring(L, 3);
  std::error_code error;
  {
    const auto candidates =
        resolve(host_argument(L, 2, address_use::listening), lua_tostring(L, 3), object.inet, address_use::listening);
    error = candidates ? bind_first(object, *candidates) : candidates.error();
  }
  return push_outcome(L, error);
}

int method_listen(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1, tcp_class::master);
  const int backlog = static_cast<int>(luaL_optinteger(L, 2, default_backlog));
  const std::error_code error = start_listening(object.fd(), backlog);
  if (error) return push_failure(L, error);
  object.become(L, 1, tcp_class::server);
  return push_one(L);
}

int method_connect(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1);
  luaL_checkstring(L, 2);
  luaL_checkstring(L, 3);
  if (object.what() == tcp_class::server) luaL_argerror(L, 1, "tcp{client} or tcp{master} expected");
  object.become(L, 1, tcp_class::client);
  std::error_code error;
  {
    auto candidates = resolve(lua_tostring(L, 2), lua_tostring(L, 3), object.inet, address_use::connecting);
    if (candidates) {
      connect_operation connecting{nullptr, object.stream(), std::move(*candidates)};
      perform(connecting, object.socket(), object.blocking);
      error = connecting.await_resume();
    } else {
      error = candidates.error();
    }
  }
  return push_outcome(L, error);
}

int method_accept(lua_State* L) {
  const tcp_object& server = tcp_object::check(L, 1, tcp_class::server);
  int fd = -1;
  std::error_code error;
  {
    accept_operation accepting{nullptr, server.listener()};
    perform(accepting, server.socket(), server.blocking);
    auto accepted = accepting.await_resume();
    if (accepted) {
      fd = accepted->release();
    } else {
      error = accepted.error();
    }
  }
  if (error) return push_failure(L, error);
  tcp_object::push(L, state::of(L), tcp_class::client, server.inet, unique_fd{fd});
  return 1;
}

int method_receive(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1, tcp_class::client);
  const receive_pattern pattern = check_pattern(L, 2);
  const std::string_view prefix = optional_bytes(L, 3);
  received_bytes outcome;
  {
    receive_operation receiving{object.socket().home(), object.stream(), pattern, std::string{prefix}};
    perform(receiving, object.socket(), object.blocking);
    outcome = pin(state::of(L), receiving.await_resume());
  }
  return push_received(L, state::of(L), outcome);
}

int method_send(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1, tcp_class::client);
  const send_range range = check_send_range(L, 2);
  transfer outcome;
  {
    send_operation sending{object.socket().home(), object.stream(), range.bytes()};
    perform(sending, object.socket(), object.blocking);
    outcome = sending.await_resume();
  }
  return push_sent(L, range, outcome);
}

int method_close(lua_State* L) {
  tcp_object::check(L, 1).socket().close();
  return push_one(L);
}

int method_shutdown(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1, tcp_class::client);
  static constexpr const char* modes[] = {"receive", "send", "both", nullptr};
  static constexpr int directions[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
  ::shutdown(object.fd(), directions[luaL_checkoption(L, 2, "both", modes)]);
  return push_one(L);
}

int push_address(lua_State* L, const result<address>& found, family declared) {
  if (!found) return push_failure(L, found.error());
  char host[64];
  std::snprintf(host, sizeof host, "%s", found->host().c_str());
  lua_pushstring(L, host);
  lua_pushinteger(L, found->port());
  lua_pushstring(L, family_name(declared == family::unspecified ? found->family() : declared));
  return 3;
}

int method_getsockname(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  return push_address(L, local_address(object.fd()), object.inet);
}

int method_getpeername(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  return push_address(L, peer_address(object.fd()), object.inet);
}

int method_getfamily(lua_State* L) {
  lua_pushstring(L, tcp_object::check(L, 1).inet == family::inet6 ? "inet6" : "inet4");
  return 1;
}

int method_settimeout(lua_State* L) {
  blocking_timeouts& limits = tcp_object::check(L, 1).blocking;
  const double seconds = luaL_optnumber(L, 2, -1);
  switch (*luaL_optstring(L, 3, "b")) {
    case 'b': limits.block = seconds; break;
    case 't':
    case 'r': limits.total = seconds; break;
    default: luaL_argerror(L, 3, "invalid timeout mode");
  }
  return push_one(L);
}

int method_gettimeout(lua_State* L) {
  const blocking_timeouts& limits = tcp_object::check(L, 1).blocking;
  push_number(L, limits.block < 0 ? -1 : limits.block);
  push_number(L, limits.total < 0 ? -1 : limits.total);
  return 2;
}

int method_getstats(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1, tcp_class::client);
  const stream::statistics& stats = object.connection().stats();
  lua_pushinteger(L, static_cast<lua_Integer>(stats.received));
  lua_pushinteger(L, static_cast<lua_Integer>(stats.sent));
  lua_pushnumber(L, to_seconds(blocking_now() - object.birth));
  return 3;
}

int method_setstats(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1, tcp_class::client);
  const auto received = static_cast<std::uint64_t>(luaL_optinteger(L, 2, 0));
  const auto sent = static_cast<std::uint64_t>(luaL_optinteger(L, 3, 0));
  const double age = luaL_optnumber(L, 4, 0);
  object.connection().stats().received = received;
  object.connection().stats().sent = sent;
  object.birth = blocking_now() - from_seconds(age);
  return push_one(L);
}

int method_getfd(lua_State* L) {
  lua_pushinteger(L, tcp_object::check(L, 1).fd());
  return 1;
}

int method_setfd(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  object.socket().replace(unique_fd{static_cast<int>(luaL_checkinteger(L, 2))});
  return 0;
}

int method_dirty(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  lua_pushboolean(L, object.what() != tcp_class::server && !object.connection().input().empty());
  return 1;
}

int metamethod_tostring(lua_State* L) {
  const tcp_object& object = tcp_object::check(L, 1);
  lua_pushfstring(L, "%s: %p", tcp_object::class_name(object.what()), lua_touserdata(L, 1));
  return 1;
}

template <family Which>
int make_tcp(lua_State* L) {
  int fd = -1;
  std::error_code error;
  if (Which != family::unspecified) {
    auto opened = open_tcp(Which);
    if (opened) {
      fd = opened->release();
    } else {
      error = opened.error();
    }
  }
  if (error) return push_failure(L, error);
  tcp_object::push(L, state::of(L), tcp_class::master, Which, unique_fd{fd});
  return 1;
}

constexpr luaL_Reg methods[] = {
    {"accept", guarded<method_accept>},
    {"bind", guarded<method_bind>},
    {"close", guarded<method_close>},
    {"connect", guarded<method_connect>},
    {"dirty", guarded<method_dirty>},
    {"getfamily", guarded<method_getfamily>},
    {"getfd", guarded<method_getfd>},
    {"getoption", guarded<tcp_getoption>},
    {"getpeername", guarded<method_getpeername>},
    {"getsockname", guarded<method_getsockname>},
    {"getstats", guarded<method_getstats>},
    {"gettimeout", guarded<method_gettimeout>},
    {"listen", guarded<method_listen>},
    {"receive", guarded<method_receive>},
    {"send", guarded<method_send>},
    {"setfd", guarded<method_setfd>},
    {"setoption", guarded<tcp_setoption>},
    {"setpeername", guarded<method_connect>},
    {"setsockname", guarded<method_bind>},
    {"setstats", guarded<method_setstats>},
    {"settimeout", guarded<method_settimeout>},
    {"shutdown", guarded<method_shutdown>},
};

}  // namespace

tcp_object& tcp_object::push(lua_State* L, state& shared, tcp_class what, family which, unique_fd fd) {
  auto* object = new (lua_newuserdata(L, sizeof(tcp_object))) tcp_object{};
  push_metatable(L, what);
  lua_setmetatable(L, -2);
  object->magic_ = &magic;
  object->inet = which;
  object->class_ = what;
  object->birth = blocking_now();
  object->socket_ = ref<copas::socket>{new copas::stream{std::move(fd)}};
  ++shared.sockets;
  return *object;
}

int tcp_object::finalise(lua_State* L) {
  tcp_object& object = check(L, 1);
  --state::of(L).sockets;
  object.magic_ = nullptr;
  object.socket_ = {};
  return 0;
}

tcp_object* tcp_object::to(lua_State* L, int index) noexcept {
  auto* found = static_cast<tcp_object*>(lua_touserdata(L, index));
  if (found == nullptr || lua_rawlen(L, index) != sizeof(tcp_object) || found->magic_ != &magic) return nullptr;
  return found;
}

tcp_object& tcp_object::check(lua_State* L, int index) {
  tcp_object* found = to(L, index);
  if (found == nullptr) refuse_argument(L, index, "tcp{any} expected");
  return *found;
}

tcp_object& tcp_object::check(lua_State* L, int index, tcp_class expected) {
  tcp_object* found = to(L, index);
  if (found == nullptr || found->class_ != expected) {
    char message[40];
    std::snprintf(message, sizeof message, "%s expected", class_name(expected));
    refuse_argument(L, index, message);
  }
  return *found;
}

const char* tcp_object::class_name(tcp_class what) noexcept { return class_names[static_cast<std::size_t>(what)]; }

void tcp_object::push_metatable(lua_State* L, tcp_class what) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_keys[static_cast<std::size_t>(what)]);
}

void tcp_object::become(lua_State* L, int index, tcp_class what) {
  if (what == class_) return;
  index = lua_absindex(L, index);
  push_metatable(L, what);
  lua_setmetatable(L, index);
  class_ = what;
  if (what == tcp_class::server) socket_ = ref<copas::socket>{new copas::listener{unique_fd{socket_->release()}}};
}

std::error_code tcp_object::open(family which) {
  if (socket_->open()) return {};
  auto fd = open_tcp(which);
  if (!fd) return fd.error();
  socket_->replace(std::move(*fd));
  return {};
}

void open_tcp_objects(lua_State* L) {
  for (std::size_t each = 0; each < class_names.size(); ++each) {
    lua_newtable(L);
    lua_newtable(L);
    for (const luaL_Reg& method : methods) set_function(L, method.name, method.func);
    lua_pushstring(L, class_names[each]);
    lua_setfield(L, -2, "class");
    lua_setfield(L, -2, "__index");
    set_function(L, "__gc", guarded<tcp_object::finalise>);
    set_function(L, "__tostring", guarded<metamethod_tostring>);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_keys[each]);
  }
  set_function(L, "tcp", guarded<make_tcp<family::unspecified>>);
  set_function(L, "tcp4", guarded<make_tcp<family::inet4>>);
  set_function(L, "tcp6", guarded<make_tcp<family::inet6>>);
}

}  // namespace copas::lua
