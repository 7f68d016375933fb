#pragma once

#include <cstddef>
#include <utility>

#include "copas/io/buffer.hpp"
#include "copas/io/datagram.hpp"
#include "lua/compat.hpp"
#include "lua/socket_object.hpp"
#include "lua/state.hpp"

namespace copas::lua {

/// Receives one datagram into memory that it has only while it makes an attempt, and once there is something in it.
class buffered_datagram_receive : public receive_datagram_operation {
 public:
  /// @param size  bytes that the caller wants; the rest of a longer datagram is lost.
  buffered_datagram_receive(loop* home, ref<copas::socket> from, std::size_t size) noexcept
      : receive_datagram_operation{home, std::move(from), {}, nullptr}, size_{size} {}

  [[nodiscard]] bool attempt() noexcept override;

  struct outcome {
    received bytes;
    socket_address sender;
  };
  /// The datagram, or why there is none.
  outcome take() noexcept;

 private:
  block memory_;  // the sender's address, and the bytes behind it
  std::size_t size_;
};

/// The outcome of receiving a datagram, with its bytes pinned.
struct received_datagram {
  std::error_code error = no_error;
  std::size_t pinned = 0;
  socket_address sender;
};
[[nodiscard]] received_datagram pin(state& shared, buffered_datagram_receive::outcome&& outcome);

/// The size of a datagram at `index`; raises an error if there is none.
[[nodiscard]] std::size_t check_datagram_size(lua_State* L, int index);
/// The same; `default_datagram_size` if there is none.
[[nodiscard]] std::size_t optional_datagram_size(lua_State* L, int index);
inline constexpr std::size_t default_datagram_size = 8192;  // of LuaSocket

/// Pushes `data`, or `nil, error`; returns how many values that are.
int push_datagram(lua_State* L, state& shared, const received_datagram& outcome);
/// Pushes `data, ip, port`, of a Unix socket `data, path`, or `nil, error`; returns how many values that are.
int push_datagram_from(lua_State* L, state& shared, socket_kind kind, const received_datagram& outcome);
/// Pushes the number of bytes, or `nil, error`; returns how many values that are.
int push_sent_datagram(lua_State* L, const transfer& outcome);

}  // namespace copas::lua
