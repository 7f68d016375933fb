#pragma once

#include <vector>

#include "copas/net/address.hpp"
#include "lua/compat.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// Pushes host, port and family, or nil and an error.
int push_address(lua_State* L, const result<address>& found, family declared);

/// Pushes the host as text.
void push_host(lua_State* L, const address& of);

/// Gives a TCP or UDP object a descriptor of the family of `wanted`, if it has none.
std::error_code open_inet(socket_object& object, const address& wanted);

/// Calls `use` with the descriptor of the object and an address, for each one until it returns no error; makes the
/// descriptor, if there is none.
template <class Use>
std::error_code with_first(socket_object& object, const std::vector<address>& candidates, Use use) {
  std::error_code error;
  for (const address& each : candidates) {
    const bool made = !object.socket().open();
    error = open_inet(object, each);
    if (!error) error = use(object.fd(), each);
    if (!error) {
      object.inet = each.family();
      return {};
    }
    if (made) object.socket().close();
  }
  return error;
}

/// bind(host, port), of a master or unconnected object, from index 2 on.
int bind_inet(lua_State* L, socket_object& object);

/// `getpeername` of a TCP or UDP object.
int push_peer(lua_State* L, const socket_object& object);

}  // namespace copas::lua
