#pragma once

#include <vector>

#include "lua/compat.hpp"

namespace copas::lua {

/// Keeps Lua values alive for a scheduler: a table of numbered places, each for one value.
///
/// A place that is taken is changed without allocating, so a value may be anchored just before a yield. The table is on the
/// stack of a coroutine that never runs, where it is nearer than in the registry.
class anchors {
 public:
  using index = int;
  static constexpr index none = 0;

  /// Makes what belongs to Lua, which comes before everything else. The table on top of the stack keeps it.
  void make(lua_State* L);

  /// Takes a place, which holds false.
  /// @error std::bad_alloc  also where Lua lacks memory: it raises no error of Lua
  [[nodiscard]] index reserve();
  /// Gives it back.
  void release(index place) noexcept;

  /// Sets a place to the value at `value` of the stack.
  void set(lua_State* L, index place, int value);
  /// Sets a place to a coroutine.
  void set(lua_State* coroutine, index place);
  /// Sets a place to false.
  void clear(index place) noexcept;
  void push(lua_State* L, index place) const;

  /// The coroutine that never runs, on whose stack others may keep something, too.
  [[nodiscard]] lua_State* shelf() const noexcept { return shelf_; }

 private:
  static constexpr int table = 1;  // on the shelf

  static int fill(lua_State* L);
  void add_places();

  lua_State* shelf_ = nullptr;
  lua_State* filler_ = nullptr;  // where `fill` is called, for a debug hook could see that
  index last_ = 0;  // of all places
  std::vector<index> free_;  // with room for all, so that a release cannot fail
};

}  // namespace copas::lua
