// Methods of datagram objects, of UDP and Unix sockets, as they block.
#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/datagrams.hpp"
#include "lua/socket_methods.hpp"

namespace copas::lua {
namespace {

received_datagram receive(lua_State* L, const socket_object& object, std::size_t size) {
  buffered_datagram_receive receiving{object.socket().home(), object.shared(), size};
  perform(receiving, object.socket(), object.blocking);
  return pin(state::of(L), receiving.take());
}

}  // namespace

int method_receive_datagram(lua_State* L) {
  const socket_object& object = self(L);
  return push_datagram(L, state::of(L), receive(L, object, optional_datagram_size(L, 2)));
}

int method_receivefrom(lua_State* L) {
  const socket_object& object = self(L, socket_role::unconnected);
  return push_datagram_from(L, state::of(L), object.kind(), receive(L, object, optional_datagram_size(L, 2)));
}

int method_send_datagram(lua_State* L) {
  const socket_object& object = self(L, socket_role::connected);
  const send_range data = check_whole_string(L, 2);
  transfer outcome;
  {
    send_datagram_operation sending{object.socket().home(), object.shared(), data.bytes(), {}};
    perform(sending, object.socket(), object.blocking);
    outcome = sending.await_resume();
  }
  return push_sent_datagram(L, outcome);
}

}  // namespace copas::lua
