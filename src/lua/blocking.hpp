#pragma once

#include "copas/io/operation.hpp"
#include "lua/socket_object.hpp"

namespace copas::lua {

/// Performs an operation for a caller that blocks, within LuaSocket's two limits. @see poll(2)
void perform(io_operation& operation, copas::socket& on, const blocking_timeouts& limits) noexcept;

/// The clock that blocking calls are measured on.
[[nodiscard]] deadline blocking_now() noexcept;

}  // namespace copas::lua
