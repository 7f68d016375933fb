#include "lua/arguments.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lua/errors.hpp"
#include "lua/guard.hpp"

namespace copas::lua {
namespace {

[[noreturn]] void refuse_pattern(lua_State* L, int index) { refuse_argument(L, index, "invalid receive pattern"); }

}  // namespace

void refuse_type(lua_State* L, int index, const char* expected) {
  refuse_argument(L, index, lua_pushfstring(L, "%s expected, got %s", expected, luaL_typename(L, index)));
}

std::int64_t optional_count(lua_State* L, int index, std::int64_t otherwise) {
  constexpr double most = 9007199254740992.0;  // 2^53, from which on not all integers are numbers
  if (lua_isnoneornil(L, index)) return otherwise;
  const double number = check_number(L, index);
  return std::isnan(number) ? 0 : static_cast<std::int64_t>(std::clamp(number, -most, most));
}

receive_pattern check_pattern(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return {};
  const bool is_text = lua_type(L, index) == LUA_TSTRING;
  const std::string_view text = is_text ? lua_tostring(L, index) : "";
  if (text.starts_with("*l")) return {.what = receive_pattern::kind::line};
  if (text.starts_with("*a")) return {.what = receive_pattern::kind::all};
  if (lua_isnumber(L, index)) {
    const lua_Number count = lua_tonumber(L, index);
    if (!(count >= 0)) refuse_pattern(L, index);
    const lua_Number most = 9.0e15;  // beyond any memory; keeps the conversion defined
    return {.what = receive_pattern::kind::exactly, .count = static_cast<std::size_t>(std::min(count, most))};
  }
  refuse_pattern(L, index);
}

std::string_view optional_bytes(lua_State* L, int index) {
  std::size_t length = 0;
  const char* bytes = lua_isnoneornil(L, index) ? "" : check_string(L, index, &length);
  return {bytes, length};
}

send_range check_send_range(lua_State* L, int index) {
  std::size_t length = 0;
  const char* bytes = check_string(L, index, &length);
  const auto size = static_cast<double>(length);
  double first = lua_isnoneornil(L, index + 1) ? 1 : check_number(L, index + 1);
  double last = lua_isnoneornil(L, index + 2) ? -1 : check_number(L, index + 2);
  if (std::isnan(first)) refuse_argument(L, index + 1, "not a number");
  if (std::isnan(last)) refuse_argument(L, index + 2, "not a number");
  if (first < 0) first = std::max(size + first + 1, 1.0);
  if (last < 0) last = size + last + 1;
  first = std::max(first, 1.0);
  last = std::clamp(last, 0.0, size);
  first = std::min(first, 9.0e15);
  return {
      .text = {bytes, length}, .first = static_cast<std::size_t>(first) - 1, .last = static_cast<std::size_t>(last)};
}

namespace {

void push_bytes(lua_State* L, state& shared, const received_bytes& outcome) {
  if (!outcome.copied) return shared.push_pinned(L, outcome.pinned);
  lua_pushlstring(L, outcome.copy, outcome.pinned);
}

void push_error_or(lua_State* L, const std::error_code& error, const char* word) {
  if (word != nullptr) {
    lua_pushstring(L, word);
  } else {
    push_error(L, error);
  }
}

}  // namespace

received_bytes take_received(state& shared, receive_operation& op) {
  received_bytes outcome;
  const std::string_view bytes = op.bytes();
  outcome.error = op.error();
  outcome.copied = bytes.size() <= received_bytes::few;
  if (outcome.copied) {
    outcome.pinned = bytes.copy(outcome.copy, bytes.size());
    op.drop_result();
  } else {
    outcome.pinned = shared.pin(op.await_resume());
  }
  return outcome;
}

int push_few(lua_State* L, copas::stream& from, const copas::stream::ready_input& found) {
  // Copied first: some Luas collect garbage before they copy, and a finaliser may use the stream.
  char copy[received_bytes::few];
  const std::span<char> taken = from.take(found);
  std::memcpy(copy, taken.data(), taken.size());
  from.input().relax();
  lua_pushlstring(L, copy, taken.size());
  lua_pushnil(L);
  lua_pushnil(L);
  return 3;
}

int push_received(lua_State* L, state& shared, const received_bytes& outcome) {
  if (!outcome.error) {
    push_bytes(L, shared, outcome);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
  }
  lua_pushnil(L);
  const bool never_connected = outcome.error == std::errc::not_connected;  // whose connecting failed, for one
  push_error_or(L, never_connected ? make_error_code(errc::closed) : outcome.error, outcome.word);
  push_bytes(L, shared, outcome);
  return 3;
}

int push_sent(lua_State* L, const send_range& range, const transfer& outcome, const char* word) {
  const auto last = static_cast<lua_Integer>(range.first) + static_cast<lua_Integer>(outcome.bytes);
  if (!outcome.error) {
    lua_pushinteger(L, last);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
  }
  lua_pushnil(L);
  push_error_or(L, outcome.error, word);
  lua_pushinteger(L, last);
  return 3;
}

}  // namespace copas::lua
