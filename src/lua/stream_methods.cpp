// Methods of stream objects, of TCP and Unix sockets, as they block.
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

constexpr int default_backlog = 32;

}  // namespace

int method_listen(lua_State* L) {
  socket_object& object = self(L, socket_role::master);
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  const auto backlog = static_cast<int>(std::clamp(optional_count(L, 2, default_backlog), -most, most));
  const std::error_code error = start_listening(object.fd(), backlog);
  if (error) return push_failure(L, error);
  object.become(L, 1, socket_role::server);
  return push_one(L);
}

int method_accept(lua_State* L) {
  socket_object& server = self(L, socket_role::server);
  std::error_code error;
  {
    accept_operation accepting{nullptr, server.listener()};
    perform(accepting, server.socket(), server.blocking);
    auto accepted = accepting.await_resume();
    if (accepted) {
      server.accepted = *std::move(accepted);
    } else {
      error = accepted.error();
    }
  }
  if (error) return push_failure(L, error);
  socket_object::push_accepted(L, state::of(L), server);
  return 1;
}

int method_receive(lua_State* L) {
  const socket_object& object = self(L, socket_role::client);
  const receive_pattern pattern = check_pattern(L, 2);
  const std::string_view prefix = optional_bytes(L, 3);
  received_bytes outcome;
  {
    receive_operation receiving{object.socket().home(), object.stream(), pattern, std::string{prefix}};
    perform(receiving, object.socket(), object.blocking);
    outcome = take_received(state::of(L), receiving);
  }
  return push_received(L, state::of(L), outcome);
}

int method_send(lua_State* L) {
  const socket_object& object = self(L, socket_role::client);
  const send_range range = check_send_range(L, 2);
  transfer outcome;
  {
    send_operation sending{object.socket().home(), object.stream(), range.bytes()};
    perform(sending, object.socket(), object.blocking);
    outcome = sending.await_resume();
  }
  return push_sent(L, range, outcome);
}

int method_shutdown(lua_State* L) {
  const socket_object& object = self(L, socket_role::client);
  static constexpr const char* modes[] = {"receive", "send", "both", nullptr};
  enum { receive, send, both };
  const int what = luaL_checkoption(L, 2, "both", modes);
  if (what != receive) object.connection().shutdown_send(object.socket().home());
  if (what != send) ::shutdown(object.fd(), SHUT_RD);
  return push_one(L);
}

int method_getstats(lua_State* L) {
  const socket_object& object = self(L, socket_role::client);
  const stream::statistics& stats = object.connection().stats();
  lua_pushinteger(L, static_cast<lua_Integer>(stats.received));
  lua_pushinteger(L, static_cast<lua_Integer>(stats.sent));
  lua_pushnumber(L, to_seconds(blocking_now() - object.birth));
  return 3;
}

int method_setstats(lua_State* L) {
  socket_object& object = self(L, socket_role::client);
  stream::statistics& now = object.connection().stats();
  const auto received = optional_count(L, 2, static_cast<std::int64_t>(now.received));
  const auto sent = optional_count(L, 3, static_cast<std::int64_t>(now.sent));
  const double age = luaL_optnumber(L, 4, 0);
  now.received = static_cast<std::uint64_t>(received);
  now.sent = static_cast<std::uint64_t>(sent);
  if (!lua_isnoneornil(L, 4)) object.birth = blocking_now() - from_seconds(age);
  return push_one(L);
}

}  // namespace copas::lua
