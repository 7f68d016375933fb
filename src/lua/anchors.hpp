#pragma once

#include <vector>

#include "lua/compat.hpp"

namespace copas::lua {

/// Keeps Lua values alive for a scheduler's threads: one table with a few fields for each thread.
///
/// A field that exists is changed without allocating, so a value may be anchored just before a yield. The table is on the
/// stack of a coroutine that never runs, where it is nearer than in the registry.
class anchors {
 public:
  /// What a thread needs to keep.
  enum field : int {
    thread,  ///< the coroutine itself, unless it waits for `wakeup` only
    socket,  ///< what it waits on, or waited on last
    nested,  ///< the coroutine of the user's that a wait began in, if it is not the thread; where yields fail late
    operand,  ///< a string being sent; where Lua drops the arguments of a function that yields
    field_count = tells_whether_yieldable ? nested
                  : keeps_arguments       ? operand
                                          : operand + 1,
  };
  using index = int;
  static constexpr index none = 0;

  /// Makes what belongs to Lua, which comes before everything else. The table on top of the stack keeps it.
  void make(lua_State* L);

  /// Makes room for one more thread; all its fields are false.
  [[nodiscard]] index reserve(lua_State* L);

  /// What of its fields have been set.
  enum extent : int { coroutine_only = 1, everything = field_count };
  void release(index at, extent used = everything);

  /// Sets a field to the value at `value` of the stack.
  void set(lua_State* L, index at, field which, int value);
  /// Sets a field to a coroutine.
  void set(lua_State* coroutine, index at, field which);
  void clear(index at, field which);
  void push(lua_State* L, index at, field which) const;

  /// The coroutine that never runs, on whose stack others may keep something, too.
  [[nodiscard]] lua_State* shelf() const noexcept { return shelf_; }

 private:
  static constexpr int table = 1;  // on the shelf

  lua_State* shelf_ = nullptr;
  index next_ = 1;
  std::vector<index> free_;
};

}  // namespace copas::lua
