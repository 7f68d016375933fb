#include "lua/datagrams.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "copas/net/unix.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"

namespace copas::lua {

bool buffered_datagram_receive::attempt() noexcept {
  if (on().open() && !on().ready().may_be_ready(side::read)) return false;
  try {
    memory_ = make_block(sizeof(socket_address) + size_);
  } catch (const std::bad_alloc&) {
    give_up(std::make_error_code(std::errc::not_enough_memory));
    return true;
  }
  auto* const sender = std::construct_at(reinterpret_cast<socket_address*>(memory_.get()));
  set_space({memory_.get() + sizeof(socket_address), size_}, sender);
  const bool over = receive_datagram_operation::attempt();
  if (!over) memory_.reset();
  return over;
}

buffered_datagram_receive::outcome buffered_datagram_receive::take() noexcept {
  const datagram got = await_resume();
  outcome result{.bytes = {.error = got.error, .memory = {}, .text = {}}, .sender = {}};
  if (got.error) return result;
  result.sender = *std::launder(reinterpret_cast<const socket_address*>(memory_.get()));
  result.bytes.memory = std::move(memory_);
  result.bytes.offset = sizeof(socket_address);
  result.bytes.length = got.bytes;
  return result;
}

received_datagram pin(state& shared, buffered_datagram_receive::outcome&& outcome) {
  const std::error_code error = outcome.bytes.error;
  return {error, error ? 0 : shared.pin(std::move(outcome.bytes)), outcome.sender};
}

std::size_t check_datagram_size(lua_State* L, int index) {
  const lua_Number size = check_number(L, index);
  if (!(size >= 0)) refuse_argument(L, index, "invalid datagram size");
  const lua_Number most = 1 << 30;  // longer than any datagram
  return static_cast<std::size_t>(std::min(size, most));
}

std::size_t optional_datagram_size(lua_State* L, int index) {
  return lua_isnoneornil(L, index) ? default_datagram_size : check_datagram_size(L, index);
}

int push_datagram(lua_State* L, state& shared, const received_datagram& outcome) {
  if (outcome.error) return push_failure(L, outcome.error);
  shared.push_pinned(L, outcome.pinned);
  return 1;
}

int push_datagram_from(lua_State* L, state& shared, socket_kind kind, const received_datagram& outcome) {
  const int count = push_datagram(L, shared, outcome);
  if (outcome.error) return count;
  if (kind == socket_kind::udp) {
    const address sender{outcome.sender};
    push_host(L, sender);
    lua_pushinteger(L, sender.port());
    return 3;
  }
  const unix_address sender{outcome.sender};
  lua_pushlstring(L, sender.path().data(), sender.path().size());
  return 2;
}

int push_sent_datagram(lua_State* L, const transfer& outcome) {
  if (outcome.error == errc::closed || outcome.error == std::errc::broken_pipe) {
    lua_pushnil(L);
    lua_pushliteral(L, "refused");  // LuaSocket's word for it
    return 2;
  }
  if (outcome.error) return push_failure(L, outcome.error);
  lua_pushinteger(L, static_cast<lua_Integer>(outcome.bytes));
  return 1;
}

}  // namespace copas::lua
