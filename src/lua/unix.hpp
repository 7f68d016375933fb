#pragma once

#include "copas/core/result.hpp"
#include "copas/net/unix.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

/// The path at `index`; an error if it is too long.
[[nodiscard]] result<unix_address> check_path(lua_State* L, int index);

}  // namespace copas::lua
