#include "lua/thread.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <new>
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

// By what the coroutine, and the nested one, are found in the table of what holds them.
const void* thread::key_of(field which) const noexcept {
  return reinterpret_cast<const std::byte*>(this) + static_cast<int>(which);
}

thread::thread(scheduler& owner, lua_State* coroutine, thread_origin& from) noexcept
    : task_record{owner.loop()},
      own_room_{from.room},
      slot_size_{from.room},
      owner_{owner},
      coroutine_{coroutine},
      from_{from},
      slot_{this + 1} {}

thread::thread(scheduler& owner, lua_State* coroutine, thread_origin& from, holding what)
    : thread{owner, coroutine, from} {
  reserve(itself);
  owner_.anchored().set(coroutine_, places_[itself]);
  if (what == holding::socket) reserve(awaited);
}

thread::~thread() {
  withdraw();
  for (const anchors::index place : places_) {
    if (place != anchors::none) owner_.anchored().release(place);
  }
  release_slot();
  owner_.forget(*this);
}

void thread::operator delete(thread* gone, std::destroying_delete_t) noexcept {
  const room behind{gone->own_room_};
  gone->~thread();
  operator delete(gone, behind);
}

void thread::enlarge_slot(std::size_t size) {
  constexpr std::size_t most_of_own = 256;  // beyond it is rarely needed
  void* const larger = frame_pool::allocate(size);
  release_slot();
  slot_ = larger;
  slot_size_ = static_cast<std::uint16_t>(size);
  if (size <= most_of_own) from_.room = std::max(from_.room, slot_size_);
}

void thread::release_slot() noexcept {
  if (slot_size_ > own_room_) frame_pool::release(slot_, slot_size_);
}

void thread::reserve(field which) {
  if (places_[which] == anchors::none) places_[which] = owner_.anchored().reserve();
}

void thread::start(beginning when) {
  copas::loop& home = owner_.loop();
  switch (when) {
    case beginning::queued: return home.schedule(*this);
    case beginning::promptly: return home.schedule_promptly(*this);
    case beginning::at_once: return home.run_at_once(*this);
  }
}

void thread::prepare_to_park(lua_State* caller, operands in_use) {
  if (!is_yieldable(caller)) {
    withdraw();
    raise_illegal_yield(caller, owner_.shared());
  }
  try {
    if (in_use.socket != 0) reserve(awaited);
    if constexpr (has_field(operand)) {
      if (in_use.text != 0) reserve(operand);
    }
    if constexpr (has_field(nested)) {
      if (caller != coroutine_) reserve(nested);
    }
  } catch (const std::bad_alloc&) {
    withdraw();
    throw;
  }
}

// The values that it waits with, whose places are reserved.
void thread::prepare_yield(lua_State* caller, operands in_use) {
  if (client_.server == 0 && in_use.socket != 0) {
    keep(caller, awaited, in_use.socket);
    has_socket_ = true;
  } else if (has_socket_) {
    clear(awaited);
    has_socket_ = false;
  }
  if constexpr (has_field(operand)) {
    if (in_use.text != 0) {
      keep(caller, operand, in_use.text);
      has_text_ = true;
    }
  }
  if constexpr (has_field(nested)) {
    has_nested_ = caller != coroutine_;
    if (has_nested_) owner_.anchored().set(caller, places_[nested]);
  }
  holder_ = in_use.holder != 0 ? lua_touserdata(caller, in_use.holder) : nullptr;
  lua_pushlightuserdata(caller, parked_mark());
}

void thread::keep(lua_State* L, field which, int value) { owner_.anchored().set(L, places_[which], value); }

void thread::clear(field which) noexcept { owner_.anchored().clear(places_[which]); }

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
    arguments = pass_results_(*this, L);
    if constexpr (has_field(operand)) {
      if (std::exchange(has_text_, false)) clear(operand);
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

int thread::move_results(lua_State* L, int count) {
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
  if constexpr (has_field(nested)) {
    if (!std::exchange(has_nested_, false)) return false;
    owner_.anchored().push(caller, places_[nested]);
    lua_State* const inner = lua_tothread(caller, -1);
    lua_pop(caller, 1);
    return inner != nullptr && lua_status(inner) == LUA_YIELD;
  }
  return false;
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
  keep(L, itself, coroutine);
  drop_guard();
}

void thread::drop_guard() noexcept {
  if (!lethargic()) return;
  scheduler::disarm(*std::exchange(guard_, nullptr));
}

void thread::become_lethargic(lua_State* L) {
  push_coroutine(L);
  guard_ = &owner_.guard(L, -1, *this);
  lua_pop(L, 1);
  clear(itself);
}

void thread::prepare_lethargy(lua_State* caller) {
  check_last_wait(caller);
  wants_lethargy_ = true;
}

std::span<const thread::field> thread::held_fields() const noexcept {
  static constexpr std::array fields{itself, nested};
  return std::span{fields}.first(has_nested_ ? 2 : 1);
}

// From now on what it waits for keeps the coroutine alive, and not the scheduler.
void thread::let_hold(lua_State* L) {
  if (!operation_->parked() || !push_own_table(L, holder_)) return;
  for (const field each : held_fields()) {
    owner_.anchored().push(L, places_[each]);
    lua_rawsetp(L, -2, key_of(each));
  }
  for (const field each : held_fields()) clear(each);
  lua_pop(L, 1);
  held_ = true;
  hear_of_wake(true);
}

// Allocates nothing, and may be called wherever something wakes the thread.
void thread::take_from_holder() noexcept {
  lua_State* const L = owner_.scratch();
  if (!push_own_table(L, holder_)) return;
  for (const field each : held_fields()) {
    lua_rawgetp(L, -1, key_of(each));
    keep(L, each, -1);
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
  keep(L, itself, coroutine);
  held_ = false;
  hear_of_wake(false);
}

void thread::push_coroutine(lua_State* L) const {
  if (!held_ || !push_own_table(L, holder_)) return owner_.anchored().push(L, places_[itself]);
  lua_rawgetp(L, -1, key_of(itself));
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
  if (places_[awaited] == anchors::none) return lua_pushnil(L);
  owner_.anchored().push(L, places_[awaited]);
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
  keep(L, awaited, fresh);
  if (!close_at_end_ && !closes_foreign_) return true;
  const socket_object* const native = socket_object::to(L, fresh);
  close_at_end_ = native != nullptr ? native->shared() : ref<copas::socket>{};
  closes_foreign_ = native == nullptr;
  return true;
}

void thread::serve(lua_State* L, int socket, served_client which, ref<copas::socket> close_at_end) {
  client_ = which;
  close_at_end_ = std::move(close_at_end);
  keep(L, awaited, socket);
}

}  // namespace copas::lua
