#pragma once

#include "lua/compat.hpp"

namespace copas::lua {

/// Pushes a new table with weak keys, values or both: "k", "v", "kv".
void push_weak_table(lua_State* L, const char* mode);

/// Gives the userdata at `index` a table of its own, if it has none, which lives as long as the userdata.
///
/// @param key  by what C++ finds the table; belongs to this userdata alone, until it is collected.
void add_own_table(lua_State* L, int index, const void* key);

/// Pushes the table of the userdata with this key, without allocating.
/// @return  false, and nothing is pushed, if there is none, or the userdata is being collected.
[[nodiscard]] bool push_own_table(lua_State* L, const void* key);

}  // namespace copas::lua
