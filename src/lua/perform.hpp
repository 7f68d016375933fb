#pragma once

#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "copas/io/output_buffer.hpp"
#include "lua/guard.hpp"
#include "lua/scheduler.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// The result of an operation that is tried once, without waiting; none if it, or somebody before it, has to wait.
template <awaitable Operation, class Socket, class... Arguments>
auto try_once(scheduler& owner, ref<Socket> on, Arguments... arguments)
    -> std::optional<decltype(conversion<Operation>::take(owner, std::declval<Operation&>()))> {
  flush_gathered_output();
  readiness& known = on->ready();
  Operation operation{nullptr, std::move(on), std::move(arguments)...};
  if (!known.vacant(operation.which())) return std::nullopt;
  do {
    known.assume_ready(operation.which());  // no turn of a loop has asked the system
    if (operation.attempt()) return conversion<Operation>::take(owner, operation);
  } while (operation.got_part());
  return std::nullopt;
}

/// Performs an operation on a socket for whoever runs; the last statement of a C function.
///
/// A thread waits for it. Who is none, an error handler or the main chunk, gets what can be had at once, or else the error
/// of Lua's `coroutine.yield`.
///
/// @param on         the object of the socket.
/// @param limit      how long a thread waits.
/// @param arguments  of the operation, behind the loop: the socket first.
template <awaitable Operation, class... Arguments>
int perform(lua_State* L, const socket_object& on, std::chrono::nanoseconds limit, operands in_use,
            Arguments&&... arguments) {
  if (thread* const running = on.home().current) [[likely]] {
    return running->await_for<Operation>(L, limit, in_use, &running->owner().loop(),
                                         std::forward<Arguments>(arguments)...);
  }
  scheduler& owner = scheduler::of(L);
  const auto outcome = try_once<Operation>(owner, std::forward<Arguments>(arguments)...);
  static_assert(std::is_trivially_destructible_v<decltype(outcome)>);
  if (!outcome) scheduler::refuse_to_wait(L);
  return conversion<Operation>::push(L, owner, *outcome);
}

}  // namespace copas::lua
