#pragma once

// What the Lua part of the module (lua/copas) is built on: the functions that its chunks get as `native`.

#include "lua/compat.hpp"
#include "lua/scheduler.hpp"

namespace copas::lua {

/// Registers a function in the table on top of the stack; its upvalues are the shared state and the scheduler.
///
/// @param scheduler  where the scheduler's userdata is on the stack.
void set_scheduler_function(lua_State* L, int scheduler, const char* name, lua_CFunction function);

/// Each adds its functions to the table on top of the stack.
void add_thread_functions(lua_State* L, int scheduler);
void add_operation_functions(lua_State* L, int scheduler);
void add_descriptor_functions(lua_State* L, int scheduler);
void add_future_functions(lua_State* L, int scheduler);
void add_http_functions(lua_State* L, int scheduler);
void add_lock_functions(lua_State* L, int scheduler);
void add_queue_functions(lua_State* L, int scheduler);
void add_report_functions(lua_State* L, int scheduler);
void add_semaphore_functions(lua_State* L, int scheduler);

/// Add what makes sockets to the table on top of the stack, and register their metatables.
void add_tcp_functions(lua_State* L);
void add_udp_functions(lua_State* L);

/// Pushes the part of the socket module that is native: `tcp`, `udp`, `select`, `gettime`, `sleep`, `dns`, ...
void push_socket_functions(lua_State* L);

/// Pushes the module of Unix sockets, which may be called.
void push_unix_functions(lua_State* L);

}  // namespace copas::lua
