#pragma once

#include <memory>

struct lua_State;

namespace copas::lua {

namespace detail {
class registry_slot;
}

/// A Lua value that C++ holds: Lua keeps it alive as long as any copy of the reference exists.
///
/// It may outlive its Lua state, and is empty from then on. Like the state, it belongs to one thread.
class reference {
 public:
  /// Refers to nothing.
  reference() noexcept = default;

  /// Refers to the value at `index` of the stack, which stays there.
  ///
  /// @error copas::lua::error  Lua lacks memory.
  reference(lua_State* L, int index);

  /// Is there a value, and does its state live?
  explicit operator bool() const noexcept;

  /// Pushes the value; nil if there is none.
  ///
  /// @param L  any coroutine of the state that the value belongs to.
  void push(lua_State* L) const;

  /// What the implementation knows of it; null if it refers to nothing.
  [[nodiscard]] const detail::registry_slot* slot() const noexcept { return slot_.get(); }

 private:
  std::shared_ptr<const detail::registry_slot> slot_;
};

/// A reference to a Lua function, for `call`.
class function : public reference {
 public:
  function() noexcept = default;

  /// Refers to the function at `index` of the stack, which stays there.
  ///
  /// A call of it runs in the loop of the Lua thread that runs now; if none does, in the one that `open` returned.
  /// @error copas::lua::error  it is no function, or Lua lacks memory.
  function(lua_State* L, int index);
};

}  // namespace copas::lua
