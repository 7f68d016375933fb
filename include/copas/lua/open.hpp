#pragma once

#include "copas/core/loop.hpp"

struct lua_State;

namespace copas::lua {

/// Makes `require "copas"` find the module that is linked into this program, with its submodules, and loads it.
///
/// `require "socket"` gives the module's own sockets from then on. The state needs Lua's standard libraries
/// (luaL_openlibs). Calling this again returns the same loop.
///
/// @return  the loop in which the Lua threads run; C++ tasks run in it, too. It lives as long as the Lua state: lua_close
///          destroys the tasks that are left, so what they refer to has to outlive it. An exception that leaves a task
///          goes to the error handler of Lua, with a dead coroutine that has the task's name.
/// @error copas::lua::error  the module cannot be loaded, or was loaded from somewhere else.
loop& open(lua_State* L);

/// Runs the loop as `copas.loop()` does, until nothing is left that could happen.
///
/// `loop::run` and `loop::turn` run Lua threads as well; what they leave out is collecting garbage while the loop is
/// idle, which closes sockets that scripts have dropped, and telling scripts of the end (`copas.exiting`).
///
/// @error copas::lua::error  the loop runs already, or what the program put in place of `copas.step` failed.
void run(lua_State* L);

}  // namespace copas::lua
