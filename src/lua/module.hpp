#pragma once

#include <string_view>

#include "lua/compat.hpp"

namespace copas::lua {

/// The loaders of the modules in copas.so, for hosts that link them in. Each pushes its module.
int open_copas(lua_State* L);
int open_ftp(lua_State* L);
int open_future(lua_State* L);
int open_http(lua_State* L);
int open_lock(lua_State* L);
int open_queue(lua_State* L);
int open_semaphore(lua_State* L);
int open_smtp(lua_State* L);
int open_socket(lua_State* L);
int open_unix(lua_State* L);
int open_timer(lua_State* L);
int open_tls(lua_State* L);

/// Lets `require` find all of them in this program, and the native socket modules where scripts look for LuaSocket.
void preload_modules(lua_State* L);

/// Loads `copas.runtime`: pushes a function that runs the runtime, lua/copas/runtime.lua, with the words of the command
/// line in a table like `arg`. Calls `preload_modules`.
int open_runtime(lua_State* L);

/// Pushes the engine of the companion that brings c-ares; raises an error if there is none.
int load_cares(lua_State* L);

/// Pushes the function that the text of a chunk of lua/copas is; raises an error if it does not compile.
void push_chunk(lua_State* L, std::string_view name);

/// Is this the source of a chunk of the module, as debug.getinfo tells it?
[[nodiscard]] inline bool is_chunk_of_module(std::string_view source) noexcept { return source.starts_with("=copas/"); }

}  // namespace copas::lua
