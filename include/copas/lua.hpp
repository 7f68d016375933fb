#pragma once

/// For programs that embed Lua: the module in their Lua state, C++ functions for Lua, Lua functions for C++. Each header
/// may also be included alone. None of them includes Lua's headers.

#include "copas/lua/async_function.hpp"
#include "copas/lua/call.hpp"
#include "copas/lua/converter.hpp"
#include "copas/lua/error.hpp"
#include "copas/lua/open.hpp"
#include "copas/lua/reference.hpp"
