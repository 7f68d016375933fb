#pragma once

#include "copas/io/operation.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// Performs an operation for a caller that blocks, within LuaSocket's two limits. @see poll(2)
void perform(io_operation& operation, copas::socket& on, const blocking_timeouts& limits) noexcept;

/// How long a call that blocks may wait for a look-up, which its limits include; one that must not wait waits all the same,
/// as in LuaSocket.
[[nodiscard]] std::chrono::nanoseconds lookup_timeout(const blocking_timeouts& limits) noexcept;

/// What is left of the limits of a call that began at `start`.
[[nodiscard]] blocking_timeouts limits_since(deadline start, const blocking_timeouts& limits) noexcept;

/// The clock that blocking calls are measured on.
[[nodiscard]] deadline blocking_now() noexcept;

}  // namespace copas::lua
