// The functions by which threads use native sockets: those of the module and of wrapped sockets.
//
// A function that also serves other objects gives up at once when it meets one. Where Lua allows it, it calls the Lua
// function for such objects itself; elsewhere it returns `foreign`, and a Lua wrapper makes the call.

#include <algorithm>
#include <cmath>

#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/operations.hpp"
#include "lua/scheduler.hpp"
#include "lua/socket_object.hpp"
#include "lua/tls.hpp"

namespace copas::lua {
namespace {

const char foreign = 0;

// Ends a function that was called with something else than a native socket. Upvalue 3 is the function for that.
int leave_to_lua(lua_State* L) {
  if constexpr (c_may_call_what_waits) {
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_insert(L, 1);
    return tail_call(L, lua_gettop(L) - 1);
  }
  lua_pushlightuserdata(L, const_cast<char*>(&foreign));
  return 1;
}

int receive(lua_State* L, const socket_object& object, int socket, int count, completeness wanted) {
  return object.is_datagram() ? await_datagram(L, object, socket, count)
                              : await_receive(L, object, socket, count, wanted);
}

int send(lua_State* L, const socket_object& object, int socket, int count) {
  return object.is_datagram() ? await_send_datagram(L, object, socket) : await_send(L, object, socket, count);
}

// A wrapper whose limit is zero takes what is there.
completeness wanted_by_wrapper(const socket_object& object, completeness otherwise) noexcept {
  return object.limits.receive == std::chrono::nanoseconds::zero() ? completeness::partial : otherwise;
}

template <completeness Wanted>
int native_receive(lua_State* L) {
  socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) return leave_to_lua(L);
  return receive(L, *object, 1, lua_gettop(L), Wanted);
}

int native_receive_for_wrapper(lua_State* L) {
  socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) return leave_to_lua(L);
  return receive(L, *object, 1, lua_gettop(L), wanted_by_wrapper(*object, completeness::whole));
}

int native_send(lua_State* L) {
  socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) return leave_to_lua(L);
  return send(L, *object, 1, lua_gettop(L));
}

int native_receivefrom(lua_State* L) {
  const socket_object* const object = socket_object::to(L, 1);
  return object == nullptr ? leave_to_lua(L) : await_datagram_from(L, *object);
}

// Upvalues of the wrappers' methods, behind the state, the scheduler and the Lua function for other sockets: the copas
// module, the name of the module's function that does the same, and the string "socket".
enum method_upvalues { module_upvalue = 4, name_upvalue, socket_upvalue };

// Pushes the socket of the wrapper at index 1, behind another value, if it is native and the module's function is still
// `original`; else nothing.
socket_object* native_socket_of_wrapper(lua_State* L, int count, lua_CFunction original) {
  if (!lua_istable(L, 1)) return nullptr;
  lua_pushvalue(L, lua_upvalueindex(name_upvalue));
  lua_rawget(L, lua_upvalueindex(module_upvalue));
  if (lua_tocfunction(L, -1) == original) [[likely]] {
    lua_pushvalue(L, lua_upvalueindex(socket_upvalue));
    lua_rawget(L, 1);
    if (socket_object* const object = socket_object::to(L, -1)) [[likely]]
      return object;
  }
  lua_settop(L, count);
  return nullptr;
}

template <completeness Wanted>
int method_receive(lua_State* L) {
  const int count = lua_gettop(L);
  socket_object* const object = native_socket_of_wrapper(L, count, guarded<native_receive<Wanted>>);
  if (object == nullptr) return leave_to_lua(L);
  return receive(L, *object, count + 2, count, wanted_by_wrapper(*object, Wanted));
}

int method_send(lua_State* L) {
  const int count = lua_gettop(L);
  const int known = count == 2 ? 2 : std::max(count, 4);
  if (count != known) lua_settop(L, known);  // what is pushed next is no argument
  socket_object* const object = native_socket_of_wrapper(L, known, guarded<native_send>);
  if (object == nullptr) return leave_to_lua(L);
  return send(L, *object, known + 2, count);
}

// method(name, for_others, module): a wrapper's method.
int native_method(lua_State* L) {
  static constexpr const char* names[] = {"receive", "receivepartial", "send", nullptr};
  static constexpr lua_CFunction methods[] = {guarded<method_receive<completeness::whole>>,
                                              guarded<method_receive<completeness::partial>>, guarded<method_send>};
  const int which = luaL_checkoption(L, 1, nullptr, names);
  lua_settop(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "socket");
  lua_pushcclosure(L, methods[which], 6);
  return 1;
}

// direct(name, for_others): a function of the module, or what a wrapper does with its raw socket.
int native_direct(lua_State* L) {
  static constexpr const char* names[] = {"receive", "receivepartial",      "receivefrom",
                                          "send",    "receive for wrapper", nullptr};
  static constexpr lua_CFunction functions[] = {
      guarded<native_receive<completeness::whole>>, guarded<native_receive<completeness::partial>>,
      guarded<native_receivefrom>, guarded<native_send>, guarded<native_receive_for_wrapper>};
  const int which = luaL_checkoption(L, 1, nullptr, names);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, functions[which], 3);
  return 1;
}

socket_object& check_native(lua_State* L) {
  socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) refuse_argument(L, 1, "native socket expected");
  return *object;
}

// connect(native stream, host, port)
int native_connect(lua_State* L) { return await_connect(L, check_native(L)); }

// connected(native stream): it is a client from now on
int native_connected(lua_State* L) {
  check_native(L).become(L, 1, socket_role::client);
  return 0;
}

// accept(native server, later): waits until there is a connection, for `accepted`, if `later`, not before the next turn;
// true, or nil and an error
int native_accept(lua_State* L) {
  socket_object& object = check_native(L);
  if (object.role() != socket_role::server) refuse_class(L, 1, {object.kind(), socket_role::server});
  return await_accept(L, object, lua_toboolean(L, 2) != 0 ? readiness::wants::news : readiness::wants::readiness);
}

// accepted(native server): the connection that was waited for, which inherits what the server has
int native_accepted(lua_State* L) {
  socket_object& server = check_native(L);
  socket_object& client = socket_object::push_accepted(L, state::of(L), server);
  client.limits = server.limits;
  client.set_gathering(server.gathers);
  client.blocking.block = 0;
  return 1;
}

// handshake(native TLS connection): see await_handshake
int native_handshake(lua_State* L) { return await_handshake(L, check_connection(L, 1)); }

// succeed(socket, secured): the threads that serve the connection, or waited for it last, have `secured` in its place
int native_succeed(lua_State* L) {
  scheduler::of(L).replace_socket(L, 1, 2);
  return 0;
}

// flush(): sends what the running thread has sent and what is held back
int native_flush(lua_State*) {
  flush_gathered_output();
  return 0;
}

// limits(native socket): those of connect, send and receive in seconds; -1 is none
int native_limits(lua_State* L) {
  const operation_timeouts& limits = check_native(L).limits;
  for (const auto each : {limits.connect, limits.send, limits.receive}) {
    lua_pushnumber(L, each == unlimited ? -1 : to_seconds(each));
  }
  return 3;
}

// kind(socket): "stream" or "datagram" if it is a native one, else nil
int native_kind(lua_State* L) {
  const socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) return 0;
  lua_pushstring(L, object->is_datagram() ? "datagram" : "stream");
  return 1;
}

// is_secured(socket): whether it is a TLS connection; nil if it is no native socket
int native_is_secured(lua_State* L) {
  const socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr) return 0;
  lua_pushboolean(L, object->kind() == socket_kind::tls);
  return 1;
}

int native_is_native(lua_State* L) {
  lua_pushboolean(L, socket_object::to(L, 1) != nullptr);
  return 1;
}

std::chrono::nanoseconds changed(lua_State* L, int index, std::chrono::nanoseconds now) {
  if (lua_isnoneornil(L, index)) return now;
  const double seconds = lua_tonumber(L, index);
  if (seconds < 0 || seconds == HUGE_VAL) return unlimited;
  return seconds == 0 ? std::chrono::nanoseconds::zero() : from_seconds(seconds);
}

// set_limits(native socket, connect, send, receive): nil leaves one as it is, a negative number is no limit
int native_set_limits(lua_State* L) {
  operation_timeouts& limits = check_native(L).limits;
  limits = {.connect = changed(L, 2, limits.connect),
            .send = changed(L, 3, limits.send),
            .receive = changed(L, 4, limits.receive)};
  return 0;
}

}  // namespace

void add_operation_functions(lua_State* L, int scheduler) {
  constexpr luaL_Reg functions[] = {
      {"accept", guarded<native_accept>},         {"accepted", guarded<native_accepted>},
      {"connect", guarded<native_connect>},       {"connected", guarded<native_connected>},
      {"direct", guarded<native_direct>},         {"flush", guarded<native_flush>},
      {"handshake", guarded<native_handshake>},   {"limits", guarded<native_limits>},
      {"succeed", guarded<native_succeed>},       {"is_native", guarded<native_is_native>},
      {"is_secured", guarded<native_is_secured>}, {"kind", guarded<native_kind>},
      {"method", guarded<native_method>},         {"set_limits", guarded<native_set_limits>},
  };
  for (const luaL_Reg& each : functions) set_scheduler_function(L, scheduler, each.name, each.func);
  lua_pushlightuserdata(L, const_cast<char*>(&foreign));
  lua_setfield(L, -2, "foreign");
  lua_pushboolean(L, c_may_call_what_waits ? 1 : 0);
  lua_setfield(L, -2, "calls_lua");
  lua_pushlightuserdata(L, thread::parked_mark());
  lua_setfield(L, -2, "parked");
}

}  // namespace copas::lua
