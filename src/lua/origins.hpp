#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lua/compat.hpp"

namespace copas::lua {

/// Where threads were started.
struct thread_origin {
  std::string_view text;
  /// The bytes that an operation of a thread from there may need, as far as known: threads are made with as much.
  std::uint16_t room = of_a_sleep;

  static constexpr std::uint16_t of_a_sleep = 104;
};

/// The places where threads were started. They live as long as this, and there is one of each.
class origins {
 public:
  /// Makes what belongs to Lua, which comes before everything else.
  /// @param shelf  a coroutine that never runs, on whose stack it keeps that.
  void make(lua_State* L, lua_State* shelf);

  thread_origin& named(std::string_view text);

  /// Where the user's code is that called, "file:line": the first Lua function from `level` on that is none of the module's.
  thread_origin& caller(lua_State* L, int level);

 private:
  static constexpr int remembered = 16;
  struct position {
    int line = 0;
    thread_origin* known = nullptr;
  };

  lua_State* shelf_ = nullptr;
  int functions_ = 0;  // where on the shelf: those that called last, weakly
  std::array<position, remembered> positions_{};  // where they did, so that no text need be made again
  std::map<std::string, thread_origin, std::less<>> known_;
};

}  // namespace copas::lua
