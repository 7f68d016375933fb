#include "lua/socket_object.hpp"

#include <array>
#include <cstdio>
#include <new>
#include <utility>

#include "lua/blocking.hpp"
#include "lua/guard.hpp"

namespace copas::lua {
namespace {

const char magic = 0;
constexpr std::array kind_names{"tcp", "udp", "unixstream", "unixdgram", "SSL"};
constexpr std::array role_names{"master", "client", "server", "unconnected", "connected"};
const std::array<std::array<char, role_names.size()>, kind_names.size()> metatable_keys{};

const void* metatable_key(socket_class what) noexcept {
  return &metatable_keys[static_cast<std::size_t>(what.kind)][static_cast<std::size_t>(what.role)];
}

void push_metatable(lua_State* L, socket_class what) { lua_rawgetp(L, LUA_REGISTRYINDEX, metatable_key(what)); }

const char* name_of(socket_kind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }
const char* name_of(socket_role role) noexcept { return role_names[static_cast<std::size_t>(role)]; }

[[noreturn]] void refuse(lua_State* L, int index, socket_kind kind, const char* role) {
  char message[48];
  std::snprintf(message, sizeof message, "%s{%s} expected", name_of(kind), role);
  refuse_argument(L, index, message);
}

// Upvalue 2 of each method.
socket_kind kind_of_method(lua_State* L) { return static_cast<socket_kind>(lua_tointeger(L, lua_upvalueindex(2))); }

void set_method(lua_State* L, const char* name, lua_CFunction function, socket_kind kind) {
  state::push(L);
  lua_pushinteger(L, static_cast<lua_Integer>(kind));
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}

int metamethod_tostring(lua_State* L) {
  const socket_object& object = self(L);
  if (object.kind() == socket_kind::tls) {
    lua_pushfstring(L, "SSL connection: %p%s", lua_touserdata(L, 1), object.socket().open() ? "" : " (closed)");
    return 1;
  }
  lua_pushfstring(L, "%s{%s}: %p", name_of(object.kind()), name_of(object.role()), lua_touserdata(L, 1));
  return 1;
}

}  // namespace

socket_object& socket_object::push(lua_State* L, state& shared, socket_class what, family which) {
  auto* object = new (lua_newuserdata(L, sizeof(socket_object))) socket_object{};
  object->home_ = &shared;
  object->inet = which;
  object->class_ = what;
  object->birth = blocking_now();
  object->socket_ = object->is_datagram() ? ref{new copas::socket{}} : ref<copas::socket>{new copas::stream{}};
  // Now that all is there, it may be finalised.
  push_metatable(L, what);
  lua_setmetatable(L, -2);
  object->magic_ = &magic;
  ++shared.sockets;
  return *object;
}

socket_object& socket_object::push_accepted(lua_State* L, state& shared, socket_object& server) {
  socket_object& made = push(L, shared, {server.kind(), socket_role::client}, server.inet);
  made.socket().adopt(std::move(server.accepted));
  return made;
}

int socket_object::finalise(lua_State* L) {
  socket_object& object = self(L);
  --object.home().sockets;
  object.magic_ = nullptr;
  object.socket_ = {};
  object.accepted = {};
  return 0;
}

socket_object* socket_object::to(lua_State* L, int index) noexcept {
  auto* found = static_cast<socket_object*>(lua_touserdata(L, index));
  if (found == nullptr || lua_rawlen(L, index) != sizeof(socket_object) || found->magic_ != &magic) return nullptr;
  return found;
}

socket_object& socket_object::check(lua_State* L, int index, socket_kind expected) {
  socket_object* found = to(L, index);
  if (found == nullptr || found->kind() != expected) refuse(L, index, expected, "any");
  return *found;
}

socket_object& socket_object::check(lua_State* L, int index, socket_class expected) {
  socket_object* found = to(L, index);
  if (found == nullptr || found->class_ != expected) refuse_class(L, index, expected);
  return *found;
}

void socket_object::become(lua_State* L, int index, socket_role what) {
  if (what == class_.role) return;
  index = lua_absindex(L, index);
  if (what == socket_role::server) {
    const ref listening{new copas::listener{}};
    listening->adopt(unique_fd{socket_->release()});
    socket_ = ref<copas::socket>{listening.get()};
  }
  class_.role = what;
  push_metatable(L, class_);
  lua_setmetatable(L, index);
}

void socket_object::set_gathering(bool wanted) noexcept {
  gathers = wanted;
  if (!is_datagram() && class_.role != socket_role::server) connection().set_gathering(wanted);
}

void refuse_class(lua_State* L, int index, socket_class expected) {
  refuse(L, index, expected.kind, name_of(expected.role));
}

void register_socket_classes(lua_State* L, socket_kind kind, std::initializer_list<socket_role> roles,
                             std::span<const luaL_Reg> methods) {
  for (const socket_role role : roles) {
    lua_newtable(L);
    lua_newtable(L);
    for (const luaL_Reg& method : methods) set_method(L, method.name, method.func, kind);
    lua_pushfstring(L, "%s{%s}", name_of(kind), name_of(role));
    lua_setfield(L, -2, "class");
    lua_getfield(L, -1, "close");
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__index");
    set_method(L, "__gc", guarded<socket_object::finalise>, kind);
    set_method(L, "__tostring", guarded<metamethod_tostring>, kind);
    lua_rawsetp(L, LUA_REGISTRYINDEX, metatable_key({kind, role}));
  }
}

void push_methods(lua_State* L, socket_class what) {
  push_metatable(L, what);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}

socket_object& self(lua_State* L) { return socket_object::check(L, 1, kind_of_method(L)); }

socket_object& self(lua_State* L, socket_role expected) {
  return socket_object::check(L, 1, socket_class{kind_of_method(L), expected});
}

}  // namespace copas::lua
