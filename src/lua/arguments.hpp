#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "copas/io/stream.hpp"
#include "lua/compat.hpp"
#include "lua/state.hpp"

namespace copas::lua {

/// Is nothing given at `index`? For Copas false is nothing, as in `given or default`; for LuaSocket it is a mistake.
[[nodiscard]] inline bool is_left_out(lua_State* L, int index) { return lua_toboolean(L, index) == 0; }

/// Raises "TYPE expected, got TYPE" for the argument at `index`; see `refuse_argument`.
[[noreturn]] void refuse_type(lua_State* L, int index, const char* expected);

/// The string (or number) at `index`, as luaL_checklstring gives it; see `refuse_argument`.
inline const char* check_string(lua_State* L, int index, std::size_t* length = nullptr) {
  const char* const text = lua_tolstring(L, index, length);
  if (text == nullptr) [[unlikely]]
    refuse_type(L, index, "string");
  return text;
}

/// The number at `index`, as luaL_checknumber gives it; see `refuse_argument`.
inline double check_number(lua_State* L, int index) {
  const double number = lua_tonumber(L, index);
  if (number == 0 && lua_isnumber(L, index) == 0) [[unlikely]]
    refuse_type(L, index, "number");
  return number;
}

/// The number at `index` without its fraction, as LuaSocket takes numbers of things; `otherwise` if there is none.
[[nodiscard]] std::int64_t optional_count(lua_State* L, int index, std::int64_t otherwise);

/// The receive pattern at `index`, "*l" if there is none; raises "invalid receive pattern".
[[nodiscard]] receive_pattern check_pattern(lua_State* L, int index);

/// The string (or number) at `index`, empty if there is none. Alive as long as the value stays on the stack.
[[nodiscard]] std::string_view optional_bytes(lua_State* L, int index);

/// What of a string is to be sent, by LuaSocket's rules for the first and the last byte.
struct send_range {
  std::string_view text;  // the whole string, as it lies on the stack
  std::size_t first = 0;  // bytes before what is sent
  std::size_t last = 0;   // bytes up to the end of what is sent

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span{text}).subspan(first, last > first ? last - first : 0);
  }
};

/// The arguments `data [, i [, j]]`, the first of them at `index`.
[[nodiscard]] send_range check_send_range(lua_State* L, int index);

/// All of the string (or number) at `index`.
[[nodiscard]] inline send_range check_whole_string(lua_State* L, int index) {
  std::size_t length = 0;
  const char* bytes = check_string(L, index, &length);
  return {.text = {bytes, length}, .first = 0, .last = length};
}

/// The outcome of a receive operation: a few bytes are copied, more of them pinned.
struct received_bytes {
  static constexpr std::size_t few = 1024;

  std::error_code error = no_error;
  const char* word = nullptr;  ///< for the error, instead of its usual text
  bool copied = false;
  std::size_t pinned = 0;  ///< or the length of the copy
  char copy[few];  // as long as it says, and not cleared before
};
/// Takes the outcome from an operation that is over.
[[nodiscard]] received_bytes take_received(state& shared, receive_operation& op);

/// Takes at most `received_bytes::few` bytes from the stream's buffer, and pushes `data, nil, nil`.
int push_few(lua_State* L, copas::stream& from, const copas::stream::ready_input& found);

/// Pushes `data, nil, nil` or `nil, error, partial`.
int push_received(lua_State* L, state& shared, const received_bytes& outcome);

/// Pushes `last, nil, nil` or `nil, error, last`.
///
/// @param word  for the error, instead of its usual text; null for that.
int push_sent(lua_State* L, const send_range& range, const transfer& outcome, const char* word = nullptr);

}  // namespace copas::lua
