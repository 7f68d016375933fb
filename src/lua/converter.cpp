#include "copas/lua/converter.hpp"

#include <algorithm>

#include "lua/compat.hpp"
#include "lua/errors.hpp"

namespace copas::lua::detail {
namespace {

const char* expected(lua_State* L, const char* type, int index) {
  return lua_pushfstring(L, "%s expected, got %s", type, luaL_typename(L, index));
}

}  // namespace

const char* check_boolean(lua_State* L, int index) {
  return lua_isboolean(L, index) ? nullptr : expected(L, "boolean", index);
}
bool get_boolean(lua_State* L, int index) noexcept { return lua_toboolean(L, index) != 0; }
void push_boolean(lua_State* L, bool value) { lua_pushboolean(L, value ? 1 : 0); }

const char* check_integer(lua_State* L, int index, std::int64_t least, std::uint64_t greatest) {
  if (lua_isnumber(L, index) == 0) return expected(L, "number", index);
  int exact = 0;
  const std::int64_t value = lua_tointegerx(L, index, &exact);
  if (exact == 0) return "number has no integer representation";
  const bool fits = value >= least && (value < 0 || static_cast<std::uint64_t>(value) <= greatest);
  return fits ? nullptr : "number out of range";
}
std::int64_t get_integer(lua_State* L, int index) noexcept { return lua_tointegerx(L, index, nullptr); }
void push_integer(lua_State* L, std::int64_t value) { lua_pushinteger(L, value); }

const char* check_number(lua_State* L, int index) {
  return lua_isnumber(L, index) != 0 ? nullptr : expected(L, "number", index);
}
double get_number(lua_State* L, int index) noexcept { return lua_tonumberx(L, index, nullptr); }
void push_number(lua_State* L, double value) { lua_pushnumber(L, value); }

// A number becomes a string here, not when it is read: that allocates.
const char* check_string(lua_State* L, int index) {
  return lua_tolstring(L, index, nullptr) != nullptr ? nullptr : expected(L, "string", index);
}
std::string_view get_string(lua_State* L, int index) noexcept {
  std::size_t length = 0;
  const char* const bytes = lua_tolstring(L, index, &length);
  return {bytes, length};
}
void push_string(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

const char* check_value(lua_State* L, int index) {
  return lua_isnone(L, index) ? expected(L, "value", index) : nullptr;
}
const char* check_function(lua_State* L, int index) {
  return lua_isfunction(L, index) ? nullptr : expected(L, "function", index);
}

bool absent(lua_State* L, int index) noexcept { return lua_isnoneornil(L, index); }
void push_nil(lua_State* L) { lua_pushnil(L); }

// What would have to be changed in place is refused, for the table keeps what it has.
const char* check_table(lua_State* L, int index, element_check check) {
  if (!lua_istable(L, index)) return expected(L, "table", index);
  reserve_stack(L, 1);
  const std::size_t size = table_size(L, index);
  for (std::size_t each = 1; each <= size; ++each) {
    const int element = push_element(L, index, each);
    const int type = lua_type(L, element);
    const char* problem = check(L, element);
    if (problem == nullptr && lua_type(L, element) != type) {
      problem = lua_pushfstring(L, "%s cannot be converted inside a table", lua_typename(L, type));
    }
    if (problem != nullptr) return lua_pushfstring(L, "element %d: %s", static_cast<int>(each), problem);
    lua_pop(L, 1);
  }
  return nullptr;
}
std::size_t table_size(lua_State* L, int index) noexcept { return lua_rawlen(L, index); }
int push_element(lua_State* L, int index, std::size_t number) noexcept {
  lua_rawgeti(L, index, static_cast<int>(number));
  return lua_gettop(L);
}
void pop(lua_State* L) noexcept { lua_pop(L, 1); }
void push_table(lua_State* L, std::size_t size) {
  reserve_stack(L, 1);
  lua_createtable(L, static_cast<int>(std::min<std::size_t>(size, 1 << 20)), 0);
}
void set_element(lua_State* L, std::size_t number) { lua_rawseti(L, -2, static_cast<int>(number)); }

void reserve_stack(lua_State* L, std::size_t values) {
  constexpr std::size_t own = LUA_MINSTACK;
  luaL_checkstack(L, static_cast<int>(values + own), "too many values");
}

void push_failure(lua_State* L, const std::error_code& error) { lua::push_failure(L, error); }

}  // namespace copas::lua::detail
