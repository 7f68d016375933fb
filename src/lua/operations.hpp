#pragma once

#include <chrono>
#include <cstdint>

#include "lua/compat.hpp"
#include "lua/socket_object.hpp"

// What threads do with native sockets. Each function is the last statement of a C function: it may yield.
//
// `socket` says where the object is on the stack, `count` how many arguments there are: the object, or its wrapper, and
// those from index 2 on.
namespace copas::lua {

/// A limit of an operation, where zero means none.
[[nodiscard]] inline std::chrono::nanoseconds effective(std::chrono::nanoseconds limit) noexcept {
  return limit == std::chrono::nanoseconds::zero() ? unlimited : limit;
}

/// Whether a receive ends with what has come so far.
enum class completeness : std::uint8_t { whole, partial };

/// receive([pattern [, prefix]]): three values
int await_receive(lua_State* L, const socket_object& object, int socket, int count, completeness wanted);
/// send(data [, i [, j]]): three values
int await_send(lua_State* L, const socket_object& object, int socket, int count);
/// connect(host, port), of a Unix socket connect(path), with the object at index 1: two values
int await_connect(lua_State* L, socket_object& object);
/// The handshake of the TLS connection at index 1: true, or nil or false and an error, or "protocols"
int await_handshake(lua_State* L, const socket_object& object);
/// accept(), with the object at index 1, which has the connection then: true, or nil and an error
int await_accept(lua_State* L, socket_object& object, readiness::wants what);

/// receive(size): three values
int await_datagram(lua_State* L, const socket_object& object, int socket, int count);
/// receivefrom([size]), with the object at index 1: three values
int await_datagram_from(lua_State* L, const socket_object& object);
/// send(data): three values
int await_send_datagram(lua_State* L, const socket_object& object, int socket);

}  // namespace copas::lua
