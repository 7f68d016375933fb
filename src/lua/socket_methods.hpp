#pragma once

#include "copas/core/result.hpp"
#include "lua/compat.hpp"
#include "lua/errors.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// Pushes a new object with the descriptor that `open` makes, or nil and why it made none.
///
/// @param open  called with the loop whose `on_descriptor_shortage` may free descriptors, or null.
template <class Open>
int push_opened(lua_State* L, socket_class what, family which, Open open) {
  state& shared = state::of(L);
  const socket_object& made = socket_object::push(L, shared, what, which);
  std::error_code error;
  {
    result<unique_fd> opened = open(shared.newest_loop());
    if (opened) {
      made.socket().adopt(*std::move(opened));
    } else {
      error = opened.error();
    }
  }
  return error ? push_failure(L, error) : 1;
}

// Methods that objects of several kinds have, for `register_socket_classes`, inside `guarded<>`.

/// Those of all kinds.
int method_close(lua_State* L);
int method_dirty(lua_State* L);
int method_getfd(lua_State* L);
int method_gettimeout(lua_State* L);
int method_setfd(lua_State* L);
int method_setoption(lua_State* L);
int method_settimeout(lua_State* L);

/// Those of TCP and UDP.
int method_getfamily(lua_State* L);
int method_getoption(lua_State* L);
int method_getsockname(lua_State* L);

/// Those of streams.
int method_accept(lua_State* L);
int method_getstats(lua_State* L);
int method_listen(lua_State* L);
int method_receive(lua_State* L);
int method_send(lua_State* L);
int method_setstats(lua_State* L);
int method_shutdown(lua_State* L);

/// Those of datagrams.
int method_receive_datagram(lua_State* L);
int method_receivefrom(lua_State* L);
int method_send_datagram(lua_State* L);

}  // namespace copas::lua
