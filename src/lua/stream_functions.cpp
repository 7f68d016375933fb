// Receiving, sending, connecting and accepting for threads: the fast path of native sockets.
//
// A function that also serves other objects gives up at once when it meets one. Where Lua allows it, it calls the Lua
// function for such objects itself; elsewhere it returns `foreign`, and a Lua wrapper makes the call.

#include <cmath>
#include <string>
#include <utility>

#include "copas/net/tcp.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/tcp.hpp"

namespace copas::lua {
namespace {

// A send that remembers which part of the string it was asked for.
class ranged_send final : public send_operation {
 public:
  ranged_send(copas::loop* home, ref<copas::stream> to, const send_range& range) noexcept
      : send_operation{home, std::move(to), range.bytes()}, range_{range} {}
  [[nodiscard]] const send_range& range() const noexcept { return range_; }

 private:
  send_range range_;
};

// An accept that remembers what its connections inherit, and may leave those that have come already to the next turn.
class inheriting_accept final : public accept_operation {
 public:
  inheriting_accept(copas::loop* home, const tcp_object& server, readiness::wants what) noexcept
      : accept_operation{home, server.listener()}, limits_{server.limits}, family_{server.inet}, wants_{what} {}

  [[nodiscard]] bool await_ready() noexcept {
    return wants_ == readiness::wants::readiness && accept_operation::await_ready();
  }
  [[nodiscard]] const operation_timeouts& limits() const noexcept { return limits_; }
  [[nodiscard]] copas::family inet() const noexcept { return family_; }

 private:
  [[nodiscard]] readiness::wants wants() const noexcept override { return wants_; }

  operation_timeouts limits_;
  copas::family family_;
  readiness::wants wants_;
};

}  // namespace

template <>
struct conversion<receive_operation> {
  static received_bytes take(scheduler& owner, receive_operation& op) { return pin(owner.shared(), op.await_resume()); }
  static int push(lua_State* L, scheduler& owner, const received_bytes& outcome) {
    return push_received(L, owner.shared(), outcome);
  }
};

template <>
struct conversion<ranged_send> {
  struct outcome {
    send_range range;
    transfer moved;
  };
  static outcome take(scheduler&, const ranged_send& op) noexcept { return {op.range(), op.await_resume()}; }
  static int push(lua_State* L, scheduler&, const outcome& sent) { return push_sent(L, sent.range, sent.moved); }
};

template <>
struct conversion<connect_operation> {
  static std::error_code take(scheduler&, const connect_operation& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler& owner, const std::error_code& error) {
    if (!error) {
      lua_pushinteger(L, 1);
      lua_pushnil(L);
      return 2;
    }
    const bool own_words = error == errc::timed_out && owner.shared().current->wants_own_words;
    return push_failure(L, own_words ? make_error_code(std::errc::connection_already_in_progress) : error);
  }
};

template <>
struct conversion<inheriting_accept> {
  struct outcome {
    int fd;
    std::error_code error;
    operation_timeouts limits;
    family inet;
  };
  static outcome take(scheduler&, inheriting_accept& op) noexcept {
    auto accepted = op.await_resume();
    const std::error_code error = accepted ? std::error_code{} : accepted.error();
    return {accepted ? accepted->release() : -1, error, op.limits(), op.inet()};
  }
  static int push(lua_State* L, scheduler& owner, const outcome& accepted) {
    if (accepted.error) return push_failure(L, accepted.error);
    tcp_object& client = tcp_object::push(L, owner.shared(), tcp_class::client, accepted.inet, unique_fd{accepted.fd});
    client.limits = accepted.limits;
    client.blocking.block = 0;
    return 1;
  }
};

namespace {

const char foreign = 0;

// Zero means no limit.
std::chrono::nanoseconds effective(std::chrono::nanoseconds limit) {
  return limit == std::chrono::nanoseconds::zero() ? unlimited : limit;
}

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

tcp_object& checked_client(lua_State* L, tcp_object& object) {
  if (object.what() != tcp_class::client) luaL_argerror(L, 1, "tcp{client} expected");
  return object;
}

// Whether a receive ends with what has come so far.
enum class completeness : std::uint8_t { whole, partial };

// receive([pattern [, prefix]]), from index 2 on; there are `count` arguments with the socket or wrapper at index 1.
int receive(lua_State* L, tcp_object& object, int socket, int count, completeness wanted) {
  checked_client(L, object);
  receive_pattern pattern;
  std::string_view prefix;
  if (count > 1) pattern = check_pattern(L, 2);
  if (count > 2) prefix = optional_bytes(L, 3);
  pattern.partial = wanted == completeness::partial;
  thread& self = scheduler::running_thread(L);
  return self.await_for<receive_operation>(L, effective(object.limits.receive), {.socket = socket, .text = 0},
                                           &self.owner().loop(), object.stream(), pattern, std::string{prefix});
}

// send(data [, i [, j]]), from index 2 on.
int send(lua_State* L, tcp_object& object, int socket, int count) {
  checked_client(L, object);
  const send_range range = count > 2 ? check_send_range(L, 2) : check_whole_string(L, 2);
  thread& self = scheduler::running_thread(L);
  return self.await_for<ranged_send>(L, effective(object.limits.send), {.socket = socket, .text = 2},
                                     &self.owner().loop(), object.stream(), range);
}

template <completeness Wanted>
int native_receive(lua_State* L) {
  tcp_object* const object = tcp_object::to(L, 1);
  if (object == nullptr) return leave_to_lua(L);
  return receive(L, *object, 1, lua_gettop(L), Wanted);
}

int native_send(lua_State* L) {
  tcp_object* const object = tcp_object::to(L, 1);
  if (object == nullptr) return leave_to_lua(L);
  return send(L, *object, 1, lua_gettop(L));
}

// Upvalues of the wrappers' methods, behind the state, the scheduler and the Lua function for other sockets: the copas
// module, the name of the module's function that does the same, that function as it was, and the string "socket".
enum method_upvalues { module_upvalue = 4, name_upvalue, original_upvalue, socket_upvalue };

// Pushes the socket of the wrapper at index 1, if it is native and nobody has replaced the module's function.
tcp_object* native_socket_of_wrapper(lua_State* L) {
  if (!lua_istable(L, 1)) return nullptr;
  lua_pushvalue(L, lua_upvalueindex(name_upvalue));
  lua_rawget(L, lua_upvalueindex(module_upvalue));
  const bool original = lua_rawequal(L, -1, lua_upvalueindex(original_upvalue)) != 0;
  lua_pop(L, 1);
  if (!original) return nullptr;
  lua_pushvalue(L, lua_upvalueindex(socket_upvalue));
  lua_rawget(L, 1);
  tcp_object* const object = tcp_object::to(L, -1);
  if (object == nullptr) lua_pop(L, 1);
  return object;
}

template <completeness Wanted>
int method_receive(lua_State* L) {
  const int count = lua_gettop(L);
  tcp_object* const object = native_socket_of_wrapper(L);
  if (object == nullptr) return leave_to_lua(L);
  const bool takes_anything = object->limits.receive == std::chrono::nanoseconds::zero();
  return receive(L, *object, count + 1, count, takes_anything ? completeness::partial : Wanted);
}

int method_send(lua_State* L) {
  const int count = lua_gettop(L);
  if (count < 2) lua_settop(L, 2);
  tcp_object* const object = native_socket_of_wrapper(L);
  if (object == nullptr) return leave_to_lua(L);
  return send(L, *object, lua_gettop(L), count);
}

// method(name, for_others, module, original): a wrapper's method.
int native_method(lua_State* L) {
  static constexpr const char* names[] = {"receive", "receivepartial", "send", nullptr};
  static constexpr lua_CFunction methods[] = {guarded<method_receive<completeness::whole>>,
                                              guarded<method_receive<completeness::partial>>, guarded<method_send>};
  const int which = luaL_checkoption(L, 1, nullptr, names);
  lua_settop(L, 4);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 4);
  lua_pushliteral(L, "socket");
  lua_pushcclosure(L, methods[which], 7);
  return 1;
}

// direct(name, for_others): a function of the module.
int native_direct(lua_State* L) {
  static constexpr const char* names[] = {"receive", "receivepartial", "send", nullptr};
  static constexpr lua_CFunction functions[] = {guarded<native_receive<completeness::whole>>,
                                                guarded<native_receive<completeness::partial>>, guarded<native_send>};
  const int which = luaL_checkoption(L, 1, nullptr, names);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, functions[which], 3);
  return 1;
}

// connect(native socket, host, port)
int native_connect(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1);
  luaL_checkstring(L, 2);
  luaL_checkstring(L, 3);
  if (object.what() == tcp_class::server) luaL_argerror(L, 1, "tcp{client} expected");
  thread& self = scheduler::running_thread(L);
  object.become(L, 1, tcp_class::client);
  object.blocking.block = 0;
  auto candidates = resolve(lua_tostring(L, 2), lua_tostring(L, 3), object.inet, address_use::connecting);
  if (!candidates) return push_failure(L, candidates.error());
  return self.await_for<connect_operation>(L, effective(object.limits.connect), {.socket = 1, .text = 0},
                                           &self.owner().loop(), object.stream(), std::move(*candidates));
}

// accept(native server, later): the next connection, or nil and an error; if `later`, not before the next turn
int native_accept(lua_State* L) {
  tcp_object& object = tcp_object::check(L, 1, tcp_class::server);
  const auto wanted = lua_toboolean(L, 2) != 0 ? readiness::wants::news : readiness::wants::readiness;
  thread& self = scheduler::running_thread(L);
  return self.await<inheriting_accept>(L, {.socket = 1, .text = 0}, &self.owner().loop(), object, wanted);
}

int native_is_native(lua_State* L) {
  lua_pushboolean(L, tcp_object::to(L, 1) != nullptr);
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
  operation_timeouts& limits = tcp_object::check(L, 1).limits;
  limits = {.connect = changed(L, 2, limits.connect),
            .send = changed(L, 3, limits.send),
            .receive = changed(L, 4, limits.receive)};
  return 0;
}

}  // namespace

void add_stream_functions(lua_State* L, int scheduler) {
  constexpr luaL_Reg functions[] = {
      {"accept", guarded<native_accept>}, {"connect", guarded<native_connect>},
      {"direct", guarded<native_direct>}, {"is_native", guarded<native_is_native>},
      {"method", guarded<native_method>}, {"set_limits", guarded<native_set_limits>},
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
