// Receiving and sending datagrams for threads.

#include <utility>

#include "lua/arguments.hpp"
#include "lua/datagrams.hpp"
#include "lua/guard.hpp"
#include "lua/operations.hpp"
#include "lua/perform.hpp"
#include "lua/scheduler.hpp"

namespace copas::lua {
namespace {

// A receive that pushes where the datagram came from.
class datagram_receive_from final : public buffered_datagram_receive {
 public:
  datagram_receive_from(copas::loop* home, ref<copas::socket> from, std::size_t size, socket_kind kind) noexcept
      : buffered_datagram_receive{home, std::move(from), size}, kind_{kind} {}
  [[nodiscard]] socket_kind kind() const noexcept { return kind_; }

 private:
  socket_kind kind_;
};

// Operations of Copas have three results.
int fill_up(lua_State* L, int count) {
  for (; count < 3; ++count) lua_pushnil(L);
  return count;
}

}  // namespace

template <>
struct conversion<buffered_datagram_receive> {
  static received_datagram take(scheduler& owner, buffered_datagram_receive& op) {
    return pin(owner.shared(), op.take());
  }
  static int push(lua_State* L, scheduler& owner, const received_datagram& outcome) {
    return fill_up(L, push_datagram(L, owner.shared(), outcome));
  }
};

template <>
struct conversion<datagram_receive_from> {
  struct outcome {
    received_datagram datagram;
    socket_kind kind;
  };
  static outcome take(scheduler& owner, datagram_receive_from& op) {
    return {pin(owner.shared(), op.take()), op.kind()};
  }
  static int push(lua_State* L, scheduler& owner, const outcome& received) {
    return fill_up(L, push_datagram_from(L, owner.shared(), received.kind, received.datagram));
  }
};

template <>
struct conversion<send_datagram_operation> {
  static transfer take(scheduler&, const send_datagram_operation& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler&, const transfer& outcome) {
    return fill_up(L, push_sent_datagram(L, outcome));
  }
};

int await_datagram(lua_State* L, const socket_object& object, int socket, int count) {
  // The pattern that streams have by default is no size.
  if (count < 2 || is_left_out(L, 2)) refuse_argument(L, 2, "number expected, got string");
  const std::size_t size = check_datagram_size(L, 2);
  return perform<buffered_datagram_receive>(L, object, effective(object.limits.receive), {.socket = socket, .text = 0},
                                            object.shared(), size);
}

int await_datagram_from(lua_State* L, const socket_object& object) {
  if (object.role() != socket_role::unconnected) {
    const socket_kind kind = object.is_datagram() ? object.kind() : socket_kind::udp;
    refuse_class(L, 1, {kind, socket_role::unconnected});
  }
  const std::size_t size = is_left_out(L, 2) ? default_datagram_size : check_datagram_size(L, 2);
  return perform<datagram_receive_from>(L, object, effective(object.limits.receive), {.socket = 1, .text = 0},
                                        object.shared(), size, object.kind());
}

int await_send_datagram(lua_State* L, const socket_object& object, int socket) {
  if (object.role() != socket_role::connected) refuse_class(L, 1, {object.kind(), socket_role::connected});
  const send_range data = check_whole_string(L, 2);
  return perform<send_datagram_operation>(L, object, effective(object.limits.send), {.socket = socket, .text = 2},
                                          object.shared(), data.bytes(), std::span<const std::byte>{});
}

}  // namespace copas::lua
