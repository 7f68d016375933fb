#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <unordered_map>

#include "lua/compat.hpp"

namespace copas::lua {

class scheduler;

/// What `copas.timeout` sets: for each coroutine at most one function that is called when a time has passed.
///
/// A pending one keeps its coroutine alive, and keeps a loop running that has threads which wait for a signal.
class timeouts {
 public:
  explicit timeouts(scheduler& owner);
  ~timeouts();

  /// Sets the timeout of a coroutine that has none.
  ///
  /// @param coroutine  where it is on the stack; it may be the main one.
  /// @param callback   where the function is that will be called with the coroutine, in a thread of its own.
  void set(lua_State* L, int coroutine, int callback, std::chrono::nanoseconds delay);

  /// Cancels that of a coroutine, if it has one.
  void cancel(lua_State* L, const lua_State* coroutine);

  /// Cancels all.
  void clear(lua_State* L);

  [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }

 private:
  class timeout;
  void fire(timeout& due);

  scheduler& owner_;
  std::unordered_map<const lua_State*, std::unique_ptr<timeout>> pending_;
};

}  // namespace copas::lua
