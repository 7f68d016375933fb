#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "copas/core/frame_pool.hpp"
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
  void cancel(const lua_State* coroutine);

  /// Cancels all.
  void clear();

  [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }

 private:
  class timeout;
  void fire(timeout& due);

  scheduler& owner_;
  using by_coroutine = std::pair<const lua_State* const, std::unique_ptr<timeout>>;
  std::unordered_map<const lua_State*, std::unique_ptr<timeout>, std::hash<const lua_State*>, std::equal_to<>,
                     pool_allocator<by_coroutine>>
      pending_;
};

}  // namespace copas::lua
