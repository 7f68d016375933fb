#pragma once

#include <span>

#include "lua/compat.hpp"

// The functions that copas.http is built on, in one table. Each has the shared state, the scheduler, the pool of
// connections and the table of the pool's objects as upvalues.
namespace copas::lua {

/// Makes the class of readers known to the Lua state.
void define_http_reader(lua_State* L);
/// Those by which responses are read.
[[nodiscard]] std::span<const luaL_Reg> http_reader_functions() noexcept;
/// Those that take and make texts.
[[nodiscard]] std::span<const luaL_Reg> http_text_functions() noexcept;

}  // namespace copas::lua
