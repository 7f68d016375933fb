#pragma once

#include "copas/tls/stream.hpp"
#include "lua/compat.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// Pushes what the modules `copas.tls` and `ssl` are built on (lua/copas/tls.lua), with the TLS library `by`.
void push_tls_functions(lua_State* L, tls::engine& by);

/// Registers the methods of connections.
void register_tls_connections(lua_State* L);

/// The connection at `index`; raises an error if there is something else.
[[nodiscard]] socket_object& check_connection(lua_State* L, int index);
[[nodiscard]] inline tls::stream& secured_stream(const socket_object& object) noexcept {
  return static_cast<tls::stream&>(object.socket());
}

/// Pushes the object of a certificate, which is to be put into it.
tls::certificate_ptr& push_empty_certificate(lua_State* L);
void define_certificates(lua_State* L);

/// Pushes an array of strings.
void push_strings(lua_State* L, const std::vector<std::string>& strings);

}  // namespace copas::lua
