#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>

#include "lua/compat.hpp"

namespace copas::lua {

/// Texts that say where threads were started. They live as long as this, and there is one of each.
class origins {
 public:
  /// Makes what belongs to Lua, which comes before everything else.
  /// @param shelf  a coroutine that never runs, on whose stack it keeps that.
  void make(lua_State* L, lua_State* shelf);

  const std::string& text(std::string_view wanted);

  /// Where the user's code is that called, "file:line": the first Lua function from `level` on that is none of the module's.
  const std::string& caller(lua_State* L, int level);

 private:
  static constexpr int remembered = 16;
  struct position {
    int line = 0;
    const std::string* text = nullptr;
  };

  lua_State* shelf_ = nullptr;
  int functions_ = 0;  // where on the shelf: those that called last, weakly
  std::array<position, remembered> positions_{};  // where they did, so that the text need not be made again
  std::set<std::string, std::less<>> texts_;
};

}  // namespace copas::lua
