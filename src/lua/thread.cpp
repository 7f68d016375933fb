#include "lua/thread.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <span>

#include "copas/core/sleep.hpp"
#include "copas/lua/call.hpp"
#include "lua/guard.hpp"
#include "lua/illegal_yield.hpp"
#include "lua/scheduler.hpp"
#include "lua/socket_object.hpp"
#include "lua/state.hpp"
#include "lua/tables.hpp"

namespace copas::lua {
namespace {

const char mark = 0;
constexpr const char* user_yield = "coroutine.yield was called without a resume first, user-code cannot yield to Copas";

}  // namespace

void* thread::parked_mark() noexcept { return const_cast<char*>(&mark); }

constexpr bool has_field(anchors::field which) { return which < anchors::field_count; }

// By what the coroutine, and the nested one, are found in the table of what holds them.
const void* thread::key_of(anchors::field which) const noexcept {
  return reinterpret_cast<const std::byte*>(this) + static_cast<int>(which);
}

thread::thread(scheduler& owner, lua_State* coroutine, anchors::index anchor, const std::string& origin)
    : task_record{owner.loop()}, anchor_{anchor}, owner_{owner}, coroutine_{coroutine}, origin_{&origin} {
  owner_.anchored().set(coroutine_, anchor_, anchors::thread);
}

thread::~thread() {
  withdraw();
  if (slot_ != nullptr) frame_pool::release(slot_, slot_size_);
  owner_.forget(*this);
}

void thread::enlarge_slot(std::size_t size) {
  void* const larger = frame_pool::allocate(size);
  if (slot_ != nullptr) frame_pool::release(slot_, slot_size_);
  slot_ = larger;
  slot_size_ = static_cast<std::uint16_t>(size);
}

void thread::start(beginning when) {
  copas::loop& home = owner_.loop();
  switch (when) {
    case beginning::queued: return home.schedule(*this);
    case beginning::promptly: return home.schedule_promptly(*this);
    case beginning::at_once: return home.run_at_once(*this);
  }
}

void thread::check_yieldable_or_withdraw(lua_State* caller) {
  if (is_yieldable(caller)) return;
  withdraw();
  raise_illegal_yield(caller, owner_.shared());
}

void thread::prepare_yield(lua_State* caller, operands in_use) {
  anchors& kept = owner_.anchored();
  has_nested_ = has_field(anchors::nested) && caller != coroutine_;
  if (client_.server == 0 && in_use.socket != 0) {
    kept.set(caller, anchor_, anchors::socket, in_use.socket);
    has_socket_ = anchors_more_ = true;
  } else if (has_socket_) {
    kept.clear(anchor_, anchors::socket);
    has_socket_ = false;
  }
  if (has_field(anchors::operand) && in_use.text != 0) {
    kept.set(caller, anchor_, anchors::operand, in_use.text);
    has_text_ = anchors_more_ = true;
  }
  if (has_nested_) {
    anchors_more_ = true;
    kept.set(caller, anchor_, anchors::nested);
  }
  holder_ = in_use.holder != 0 ? lua_touserdata(caller, in_use.holder) : nullptr;
  lua_pushlightuserdata(caller, parked_mark());
}

// The coroutine is as we left it: suspended, with our mark on top of its stack. User code that closed it, or
// resumed it by hand, took the mark away.
bool thread::still_ours() const {
  return lua_status(coroutine_) == LUA_YIELD && lua_gettop(coroutine_) > 0 &&
         lua_touserdata(coroutine_, -1) == parked_mark();
}

void thread::resume() {
  if (!owner_.catches_errors()) return owner_.resume_protected(*this);
  lua_State* const L = owner_.lua();
  if (owner_.tracing()) owner_.trace(L, "resume", *this, fresh_ ? nullptr : operation_);
  thread* const outer = std::exchange(owner_.shared().current, this);
  if (held_) [[unlikely]] {  // its holder is being collected, and was used by a finaliser
    lua_pushthread(coroutine_);
    let_scheduler_hold(coroutine_, -1);
    lua_pop(coroutine_, 1);
  }
  int arguments = 0;
  if (fresh_) {
    fresh_ = false;
    arguments = lua_gettop(coroutine_) - 1;
  } else if (still_ours()) {
    lua_settop(coroutine_, 0);
    arguments = pass_results(L);
    if (has_text_) {
      owner_.anchored().clear(anchor_, anchors::operand);
      has_text_ = false;
    }
  } else {
    owner_.shared().current = outer;
    return end(L);
  }
  int results = 0;
  const int status = lua::resume(coroutine_, L, arguments, results);
  owner_.shared().current = outer;
  after_resume(L, status, results);
}

// Pushes the results of its wait where errors are caught: in 5.1 and LuaJIT one on a suspended coroutine ends the process.
int thread::pass_results(lua_State* L) {
  const int count = finish_(*this, L);
  if (count >= LUA_MINSTACK && lua_checkstack(coroutine_, count) == 0) luaL_error(L, "too many results");
  lua_xmove(L, coroutine_, count);
  return count;
}

void thread::after_resume(lua_State* L, int status, int results) {
  if (status == LUA_YIELD) {
    const bool parked = results == 1 && operation_ != nullptr && lua_touserdata(coroutine_, -1) == parked_mark();
    if (parked) {
      if (owner_.tracing()) owner_.trace(L, "yield", *this, operation_);
      if (wants_lethargy_) become_lethargic(L);
      if (holder_ != nullptr) let_hold(L);
      return;
    }
    lua_pushstring(L, user_yield);
    report_failure(L);
    return end(L);
  }
  if (status != LUA_OK) {
    lua_xmove(coroutine_, L, 1);
    fail(L);
    return;
  }
  if (watch_ != nullptr) hand_over_results(L, results);
  if (results > 0) lua_settop(coroutine_, 0);  // with results on its stack a coroutine does not count as dead
  end(L);
}

void thread::watch_outcome(detail::thread_watch& watching) noexcept {
  watch_ = &watching;
  task_record::watch(watching);
}

void thread::forget_outcome() noexcept { std::exchange(watch_, nullptr)->unlink(); }

// The error is on top of the stack, and popped.
void thread::report_failure(lua_State* L) {
  if (watch_ == nullptr) return owner_.report(L, this);
  watch_->failed(L, coroutine_);
}

// On our own stack, where errors are caught.
void thread::hand_over_results(lua_State* L, int count) {
  const int first = lua_gettop(L) + 1;
  luaL_checkstack(L, count, "too many results");
  lua_xmove(coroutine_, L, count);
  watch_->returned(L, first);
  lua_settop(L, first - 1);
}

// The error is on top of the stack; the coroutine's own stack still shows where it happened.
void thread::fail(lua_State* L) {
  if (operation_ != nullptr && !has_nested_) explain_illegal_yield(L, owner_.shared(), coroutine_);
  report_failure(L);
  close_thread(coroutine_, L);
  end(L);
}

void thread::end(lua_State* L) {
  hold_again();
  withdraw();
  if (lethargic()) {  // it has not come to its end: Lua has collected it, and others may use the connection
    closes_foreign_ = false;
    close_at_end_ = {};
  }
  if (owner_.tracing() && !lethargic()) owner_.trace(L, "exit", *this, nullptr);
  if (closes_foreign_) owner_.close_foreign(L, *this);
  owner_.anchored().release(anchor_, anchors_more_ ? anchors::everything : anchors::coroutine_only);
  drop_guard();
  const ref<copas::socket> closing{std::move(close_at_end_)};
  delete this;
  if (closing) closing->close();
}

void thread::destroy() {
  lua_State* const L = owner_.lua();
  hold_again();
  withdraw();
  if (!lethargic()) close_thread(coroutine_, L);  // else Lua may have collected it
  end(L);
}

void thread::withdraw() noexcept {
  if (operation_ == nullptr) return;
  std::destroy_at(std::exchange(operation_, nullptr));
  wants_lethargy_ = false;
}

// A wait is still in the slot though its caller runs again: its yield raised an error, or did not reach us, because a
// resumer that knows nothing of us took it, in which case the result is true.
bool thread::withdraw_abandoned(lua_State* caller) {
  withdraw();
  return tells_whether_yieldable || nested_is_suspended(caller);
}

void thread::raise_lost_wait(lua_State* caller) {
  raise(caller,
        "a wait inside a coroutine did not reach the scheduler: it was resumed by a function that was taken from the "
        "coroutine module before copas was loaded");
}

bool thread::nested_is_suspended(lua_State* caller) {
  if (!std::exchange(has_nested_, false)) return false;
  owner_.anchored().push(caller, anchor_, anchors::nested);
  lua_State* const nested = lua_tothread(caller, -1);
  lua_pop(caller, 1);
  return nested != nullptr && lua_status(nested) == LUA_YIELD;
}

void thread::cancel_timeout() {
  has_timeout_ = false;
  owner_.timed().cancel(coroutine_);
}

deadline thread::deadline_after(std::chrono::nanoseconds timeout) const { return owner_.loop().io().after(timeout); }

bool thread::wake(lua_State* L, int coroutine) {
  auto* sleep = dynamic_cast<sleep_awaitable*>(operation_);
  if (sleep == nullptr || !sleep->wake()) return false;
  leave_lethargy(L, coroutine);
  return true;
}

void thread::leave_lethargy(lua_State* L, int coroutine) {
  if (!lethargic()) return;
  owner_.anchored().set(L, anchor_, anchors::thread, coroutine);
  drop_guard();
}

void thread::drop_guard() noexcept {
  if (!lethargic()) return;
  scheduler::disarm(*std::exchange(guard_, nullptr));
}

void thread::become_lethargic(lua_State* L) {
  anchors& kept = owner_.anchored();
  kept.push(L, anchor_, anchors::thread);
  guard_ = &owner_.guard(L, -1, *this);
  lua_pop(L, 1);
  kept.clear(anchor_, anchors::thread);
}

void thread::prepare_lethargy(lua_State* caller) {
  check_last_wait(caller);
  wants_lethargy_ = true;
}

std::span<const anchors::field> thread::held_fields() const noexcept {
  static constexpr std::array fields{anchors::thread, anchors::nested};
  return std::span{fields}.first(has_nested_ ? 2 : 1);
}

// From now on what it waits for keeps the coroutine alive, and not the scheduler.
void thread::let_hold(lua_State* L) {
  if (!operation_->parked() || !push_own_table(L, holder_)) return;
  anchors& kept = owner_.anchored();
  for (const anchors::field each : held_fields()) {
    kept.push(L, anchor_, each);
    lua_rawsetp(L, -2, key_of(each));
  }
  for (const anchors::field each : held_fields()) kept.clear(anchor_, each);
  lua_pop(L, 1);
  held_ = true;
  hear_of_wake(true);
}

// Allocates nothing, and may be called wherever something wakes the thread.
void thread::take_from_holder() noexcept {
  lua_State* const L = owner_.scratch();
  if (!push_own_table(L, holder_)) return;
  for (const anchors::field each : held_fields()) {
    lua_rawgetp(L, -1, key_of(each));
    owner_.anchored().set(L, anchor_, each, -1);
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawsetp(L, -2, key_of(each));
  }
  lua_pop(L, 1);
  held_ = false;
  hear_of_wake(false);
}

void thread::holder_collected(lua_State* L, int coroutine) {
  if (!held_) return;
  let_scheduler_hold(L, coroutine);
  if (operation_->parked()) end(L);
}

void thread::let_scheduler_hold(lua_State* L, int coroutine) noexcept {
  owner_.anchored().set(L, anchor_, anchors::thread, coroutine);
  held_ = false;
  hear_of_wake(false);
}

void thread::push_coroutine(lua_State* L) const {
  if (!held_ || !push_own_table(L, holder_)) return owner_.anchored().push(L, anchor_, anchors::thread);
  lua_rawgetp(L, -1, key_of(anchors::thread));
  lua_remove(L, -2);
}

std::string thread::name() const {
  std::string given = owner_.name_of(*this);
  if (!given.empty()) return given;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "thread: %p", static_cast<void*>(coroutine_));
  return text.data();
}

void thread::push_socket(lua_State* L) const {
  owner_.anchored().push(L, anchor_, anchors::socket);
  if (lua_isboolean(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

bool thread::replace_socket(lua_State* L, int old, int fresh) {
  push_socket(L);
  const bool mine = lua_rawequal(L, -1, old) != 0;
  lua_pop(L, 1);
  if (!mine) return false;
  owner_.anchored().set(L, anchor_, anchors::socket, fresh);
  anchors_more_ = true;
  if (!close_at_end_ && !closes_foreign_) return true;
  const socket_object* const native = socket_object::to(L, fresh);
  close_at_end_ = native != nullptr ? native->shared() : ref<copas::socket>{};
  closes_foreign_ = native == nullptr;
  return true;
}

void thread::serve(lua_State* L, int socket, served_client which, ref<copas::socket> close_at_end) {
  client_ = which;
  close_at_end_ = std::move(close_at_end);
  owner_.anchored().set(L, anchor_, anchors::socket, socket);
  anchors_more_ = true;
}

}  // namespace copas::lua
