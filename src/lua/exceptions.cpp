#include "lua/exceptions.hpp"

#include "lua/gate.hpp"

namespace copas::lua {
namespace {

// The text of the value on top of the stack, which is popped.
std::string take_text(lua_State* L) {
  std::string text;
  try {
    gate::enter(L, 1, [&text](lua_State* inside) {
      std::size_t length = 0;
      const char* bytes = luaL_tolstring(inside, 1, &length);
      text.assign(bytes, length);
    });
  } catch (const error&) {
    text = "(an error without a text)";
  }
  return text;
}

// Alive as long as the exception.
const char* text_of(const std::exception_ptr& thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown C++ exception";
  }
}

}  // namespace

error take_error(lua_State* L, std::string traceback) {
  reference value;
  try {
    value = reference{L, -1};
  } catch (const std::exception&) {
    lua_pop(L, 1);
    throw;
  }
  return error{take_text(L), std::move(traceback), value};
}

std::string traceback_of(lua_State* L, lua_State* coroutine) {
  luaL_traceback(L, coroutine, nullptr, 0);
  std::string text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

const error* lua_error_in(const std::exception_ptr& thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const error& known) {
    return &known;
  } catch (...) {
    return nullptr;
  }
}

void push_exception(lua_State* L, const std::exception_ptr& thrown) {
  const error* const known = lua_error_in(thrown);
  if (known != nullptr && known->value()) return known->value().push(L);
  lua_pushstring(L, text_of(thrown));
}

}  // namespace copas::lua
