#pragma once

#include <memory>
#include <vector>

#include "copas/core/wait_list.hpp"
#include "copas/io/stream.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

class scheduler;
class thread;

/// What all schedulers and sockets of one Lua state share.
///
/// It lives in a userdata that every C function of ours has as its first upvalue. `lua_close` finalises in any order, so
/// functions may still be called when it is dead; its memory stays.
class state {
 public:
  /// The state's shared part, made when there is none yet; pushed on the stack.
  static state& push(lua_State* L);
  /// The one that a C function of ours has as its first upvalue.
  static state& of(lua_State* L) { return *static_cast<state*>(lua_touserdata(L, lua_upvalueindex(1))); }

  /// The thread that runs: the one the schedulers resumed last, whatever coroutine it has resumed itself.
  thread* current = nullptr;
  /// Those that are alive, the newest first. Their own links, for nobody would free an array at the end.
  list<scheduler> schedulers;
  /// Socket objects of this Lua state that have not been collected.
  std::size_t sockets = 0;

  /// Puts received bytes where no Lua code can reach them, to be pushed next.
  ///
  /// Before `lua_pushlstring` copies, Lua may collect garbage and run finalisers, which may use sockets of ours and even
  /// the very stream that the bytes came from.
  /// @return  what `push_pinned` takes.
  [[nodiscard]] std::size_t pin(received&& bytes);

  /// Pushes pinned bytes as a string, and frees them.
  void push_pinned(lua_State* L, std::size_t pinned);

  /// Frees bytes whose push ended in an error. To be called where no push is in progress.
  void drop_pinned() noexcept;

  /// Ends the thread of the coroutine at `index`, if it is one and does not run, without closing the coroutine.
  void abandon(lua_State* L, int index);

  /// To be called by the finaliser of a userdata whose own table has held threads, while they waited for something of it
  /// for ever: ends those that still do. It is at `holder`.
  void holder_collected(lua_State* L, int holder);

  /// The Lua state ends: gives all memory back, for good.
  void end() noexcept;

 private:
  [[nodiscard]] thread* find(lua_State* L, int index);

  std::vector<std::unique_ptr<received>> pinned_;  // kept for the next push of the same depth
  std::size_t depth_ = 0;  // pushes in progress
};

/// Registers `Function` under `name` in the table on top of the stack, with the shared state as its first upvalue.
void set_function(lua_State* L, const char* name, lua_CFunction function);

}  // namespace copas::lua
