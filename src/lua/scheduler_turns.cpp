// How a scheduler runs its loop: in protected mode, from which it comes back whatever went wrong.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "copas/io/output_buffer.hpp"
#include "lua/guard.hpp"
#include "lua/position.hpp"
#include "lua/scheduler.hpp"
#include "lua/step_inside.hpp"

namespace copas::lua {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_run = 10ms;  // of turns that find tasks ready, until garbage is thought of

}  // namespace

// Pushing a C function allocates in 5.1 and LuaJIT, where an error would be in nobody's protection.
void scheduler::push_prepared(lua_State* L, prepared which) const {
  lua_pushvalue(anchors_.shelf(), prepared_ + static_cast<int>(which));
  lua_xmove(anchors_.shelf(), L, 1);
}

struct scheduler::turns {
  scheduler& owner;
  deadline until = never;
  bool (*again)(lua_State* L) = nullptr;
  lua_Hook hook = nullptr;  // that the state had when the step began
  bool hooked = false;  // it has another one now
};

int scheduler::run_turns(lua_State* L) {
  auto& wanted = *static_cast<turns*>(lua_touserdata(L, 4));
  scheduler& self = wanted.owner;
  if (self.quiet_ && self.garbage_.due(self.loop_.busy())) self.collect_garbage(L);
  const deadline begun = self.loop_.turn_time();
  bool had_events = false;
  bool more = wanted.again != nullptr;
  do {
    had_events = self.turn(wanted.until) || had_events;
    wanted.hooked = lua_gethook(L) != wanted.hook;
    more = more && !wanted.hooked && !self.statistics_.enabled() && self.loop_.busy() && !self.loop_.stopping() &&
           self.loop_.turn_time() - begun < longest_run && wanted.again(L);
  } while (more);
  lua_pushboolean(L, had_events ? 1 : 0);
  return 1;
}

// A finaliser that fails is called once only, so its error, unlike one of the turn, is no reason to leave the loop.
void scheduler::collect_garbage(lua_State* L) {
  lua_pushcfunction(L, &guarded<step_garbage>);
  int status = LUA_ERRRUN;
  // Until no other is due, which Lua 5.1 would call wherever memory is needed next.
  while (status != LUA_OK && status != LUA_ERRMEM) {
    lua_pushvalue(L, -1);
    lua_pushlightuserdata(L, this);
    status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) report(L, nullptr);
  }
  lua_pop(L, 1);
}

int scheduler::step_garbage(lua_State* L) {
  auto& self = *static_cast<scheduler*>(lua_touserdata(L, 1));
  self.garbage_.step(L, self.may_have_dropped_sockets());
  return 0;
}

bool scheduler::turn(deadline until) {
  if (guest_step_ != nullptr) guest_step_->turn_begins();
  const bool had_events = loop_.turn(until);
  quiet_ = !had_events;
  if (guest_step_ != nullptr) guest_step_->turn_ended(had_events);
  statistics_.turn_ended();
  return had_events;
}

void scheduler::check_not_turning(lua_State* L) const {
  if (!turning_ && loop_.current() == nullptr) return;
  push_position(L);
  lua_pushfstring(L, "%sthe loop runs already: its own threads and handlers cannot run it", lua_tostring(L, -1));
  lua_error(L);
}

bool scheduler::step(lua_State* L, deadline until, bool (*again)(lua_State* L)) {
  check_not_turning(L);
  flush_gathered_output();  // of another loop, whose thread runs this one
  thread* const running = shared_.current;  // of another scheduler
  const state::progress pushes = shared_.pushes();
  bool had_events = false;
  // The interpreter sets a hook at SIGINT, which raises an error where Lua code runs next in this state. That is to be
  // the code that called the step: whatever else there is would take it for a failure of its own.
  const lua_Hook hook = lua_gethook(L);
  statistics_.step_begun();
  for (bool over = false; !over;) {
    const std::uint64_t before = loop_.resumptions();
    const deadline limit = std::min(until, loop_.busy() ? until : garbage_.next_step());
    turns wanted{.owner = *this, .until = limit, .again = limit == until ? again : nullptr, .hook = hook};
    push_prepared(L, prepared::run_turns);
    for (const int index : {1, 2, 3}) {
      again != nullptr ? lua_pushvalue(L, index) : lua_pushnil(L);
    }
    lua_pushlightuserdata(L, &wanted);
    lua_ = L;  // from here on nothing fails unnoticed
    turning_ = true;
    const int status = lua_pcall(L, 4, 1, 0);
    shared_.drop_since(pushes);
    const bool ran = loop_.resumptions() != before;
    if (status == LUA_OK) {
      had_events = lua_toboolean(L, -1) != 0;
      lua_pop(L, 1);
    } else if (wanted.hooked || (!recover(L, running) && !ran && std::exchange(failed_, true))) {
      lua_ = idle_;
      turning_ = false;
      lua_error(L);
    } else {
      lua_pop(L, 1);
    }
    if (ran) {
      failed_ = false;
      garbage_.activity(L, may_have_dropped_sockets());
    }
    over = ran || had_events || limit == until || loop_.stopping() || wanted.hooked;
  }
  statistics_.step_ended();
  lua_ = idle_;
  turning_ = false;
  return had_events;
}

int scheduler::run_thread(lua_State* L) {
  static_cast<thread*>(lua_touserdata(L, 1))->resume();
  return 0;
}

void scheduler::resume_protected(thread& resumed) {
  lua_State* const L = lua_;
  thread* const outer = shared_.current;
  const state::progress pushes = shared_.pushes();
  push_prepared(L, prepared::run_thread);
  lua_pushlightuserdata(L, &resumed);
  turning_ = true;
  const int status = lua_pcall(L, 1, 0, 0);
  shared_.drop_since(pushes);
  if (status != LUA_OK) {
    static_cast<void>(recover(L, outer));
    lua_pop(L, 1);
  }
  turning_ = false;
}

void scheduler::rest_in(lua_State* idle) noexcept {
  idle_ = idle;
  if (!turning_) lua_ = idle;
}

// Something raised an error outside of the threads' own code: for lack of memory, or in a finaliser. The error, on top of
// the stack, where it stays, is that of the thread whose turn it was; false if it was nobody's.
bool scheduler::recover(lua_State* L, thread* outer) {
  shared_.current = outer;
  auto* const failed = dynamic_cast<thread*>(loop_.recover());
  lua_pushvalue(L, -1);
  report(L, failed);
  if (failed != nullptr) failed->cancel();
  return failed != nullptr;
}

}  // namespace copas::lua
