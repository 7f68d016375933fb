#pragma once

#include <memory>
#include <utility>

#include "lua/compat.hpp"

namespace copas::lua {

class scheduler;
class state;

/// The way into a Lua state for C++ that Lua has not called: a coroutine of its own, and calls in protected mode.
///
/// References share it. They may outlive the Lua state; then it is closed.
class gate {
 public:
  /// The gate of a Lua state, made when there is none yet.
  /// @error copas::lua::error, std::bad_alloc
  static const std::shared_ptr<gate>& of(lua_State* L);

  gate(lua_State* own, state& shared) noexcept : own_{own}, shared_{shared} {}

  /// Calls `body(L)` in protected mode; it finds the values that were on top of the stack of `L`, which are popped.
  ///
  /// @error copas::lua::error  what it raised; an exception that left it, as its text.
  /// @error std::bad_alloc     Lua lacks memory.
  template <class Body>
  static void enter(lua_State* L, int values, Body body) {
    enter(L, values, [](lua_State* inside, void* data) { (*static_cast<Body*>(data))(inside); }, &body);
  }
  /// As above, in the gate's own coroutine, without values.
  template <class Body>
  void enter(Body body) const {
    check_open();
    enter(own_, 0, std::move(body));
  }

  [[nodiscard]] bool open() const noexcept { return own_ != nullptr; }
  /// @pre open()
  [[nodiscard]] lua_State* lua() const noexcept { return own_; }
  /// The shared part of the state. @pre open()
  [[nodiscard]] state& shared() const noexcept { return shared_; }

  /// The scheduler of the module that C++ has opened; null if there is none.
  [[nodiscard]] scheduler* opened() const noexcept { return opened_; }
  void set_opened(scheduler& opened) noexcept { opened_ = &opened; }

  /// The state ends.
  void close() noexcept { own_ = nullptr; }

 private:
  static void enter(lua_State* L, int values, void (*body)(lua_State*, void*), void* data);
  void check_open() const;

  lua_State* own_;
  state& shared_;
  scheduler* opened_ = nullptr;
};

}  // namespace copas::lua
