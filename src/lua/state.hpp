#pragma once

#include <memory>
#include <vector>

#include "copas/core/wait_list.hpp"
#include "copas/io/stream.hpp"
#include "copas/lua/async_call.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

class gate;
class names;
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
  /// The state's shared part; null if there is none yet.
  static state* find(lua_State* L) noexcept;
  /// The one that a C function of ours has as its first upvalue.
  static state& of(lua_State* L) { return *static_cast<state*>(lua_touserdata(L, lua_upvalueindex(1))); }

  /// The thread that runs: the one the schedulers resumed last, whatever coroutine it has resumed itself.
  thread* current = nullptr;
  /// Those that are alive, the newest first. Their own links, for nobody would free an array at the end.
  list<scheduler> schedulers;
  [[nodiscard]] bool has(const scheduler* asked) const noexcept;
  /// The loop of the newest one; null if there is none. It may be gone when Lua has run.
  [[nodiscard]] loop* newest_loop() const noexcept;
  /// Socket objects of this Lua state that have not been collected.
  std::size_t sockets = 0;

  /// Collects garbage, because no descriptor is free: that closes sockets which somebody dropped. May be called at any time,
  /// also inside of an operation.
  /// @return  whether one is free now. A collection in vain is not made again for a second.
  bool free_descriptors();

  /// How names are looked up.
  [[nodiscard]] lua::names& names();

  /// The way in for C++; none as long as C++ does not want in.
  std::shared_ptr<gate> entrance;

  /// Puts received bytes where no Lua code can reach them, to be pushed next.
  ///
  /// Before `lua_pushlstring` copies, Lua may collect garbage and run finalisers, which may use sockets of ours and even
  /// the very stream that the bytes came from.
  /// @return  what `push_pinned` takes.
  [[nodiscard]] std::size_t pin(received&& bytes);

  /// A text that is being made before it is pushed.
  [[nodiscard]] std::string& pinned_text(std::size_t pinned) noexcept { return pinned_[pinned]->text; }
  /// Frees what is not to be pushed, and what was pinned since.
  void unpin(std::size_t pinned) noexcept;

  /// Pushes pinned bytes as a string, and frees them.
  void push_pinned(lua_State* L, std::size_t pinned);

  /// Keeps a finished call of a C++ function while its results are pushed.
  /// @return  what `finished` and `drop_finished` take.
  [[nodiscard]] std::size_t keep_finished(detail::async_call_ptr call);
  [[nodiscard]] const detail::async_call& finished(std::size_t kept) const noexcept { return *finished_[kept]; }
  /// Frees a call, and those kept since whose push ended in an error.
  void drop_finished(std::size_t kept) noexcept;

  /// The pushes in progress.
  struct progress {
    std::size_t pins;
    std::size_t finished;
    std::size_t names;
  };
  [[nodiscard]] progress pushes() const noexcept;
  /// Frees what pushes that began since then, and ended in an error, have left.
  void drop_since(const progress& before) noexcept;

  /// Ends the thread of the coroutine at `index`, if it is one and does not run, without closing the coroutine.
  void abandon(lua_State* L, int index);

  /// To be called by the finaliser of a userdata whose own table has held threads, while they waited for something of it
  /// for ever: ends those that still do. It is at `holder`.
  void holder_collected(lua_State* L, int holder);

  /// The Lua state ends: gives all memory back, for good.
  void end() noexcept;
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  struct names_deleter {
    void operator()(lua::names* left) const noexcept;
  };
  [[nodiscard]] thread* find(lua_State* L, int index);

  std::vector<std::unique_ptr<received>> pinned_;  // kept for the next push of the same depth
  std::size_t depth_ = 0;  // pushes in progress
  std::vector<detail::async_call_ptr> finished_;
  std::unique_ptr<lua::names, names_deleter> names_;  // made when it is needed first
  lua_State* spare_ = nullptr;  // a coroutine that never runs, for what is called at any time
  deadline not_before_ = deadline::min();  // a collection for want of descriptors
  bool told_of_shortage_ = false;
  bool ended_ = false;
};

/// Registers `Function` under `name` in the table on top of the stack, with the shared state as its first upvalue.
void set_function(lua_State* L, const char* name, lua_CFunction function);

}  // namespace copas::lua
