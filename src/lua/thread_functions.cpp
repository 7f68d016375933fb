// Threads, the loop and waiting for time.

#include <cmath>
#include <string_view>
#include <utility>

#include "copas/core/sleep.hpp"
#include "lua/arguments.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/position.hpp"
#include "lua/seconds.hpp"
#include "lua/socket_object.hpp"
#include "lua/step_inside.hpp"

namespace copas::lua {
namespace {

// A sleep that tells how long it took. @invariant `start` is when it was made
class measured_sleep final : public sleep_awaitable {
 public:
  measured_sleep(copas::loop& home, deadline start, deadline until) noexcept
      : sleep_awaitable{home, until}, start_{start} {}
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept { return home()->io().now() - start_; }

 private:
  deadline start_;
};
static_assert(sizeof(measured_sleep) <= thread_origin::of_a_sleep);

// Gives way to whatever is ready; says how long that took, as precisely as the loop knows without asking the clock.
class measured_yield final : public yield_awaitable {
 public:
  explicit measured_yield(copas::loop& home) noexcept : yield_awaitable{home}, start_{home.turn_time()} {}
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept { return home()->turn_time() - start_; }

 private:
  deadline start_;
};

template <class Sleep>
struct elapsed_time {
  static constexpr bool never_fails = true;
  static double take(scheduler&, Sleep& op) noexcept { return to_seconds(op.elapsed()); }
  static int push(lua_State* L, scheduler&, double elapsed) {
    lua_pushnumber(L, elapsed);
    return 1;
  }
};

}  // namespace

template <>
struct conversion<measured_sleep> : elapsed_time<measured_sleep> {};

template <>
struct conversion<measured_yield> : elapsed_time<measured_yield> {};

template <>
struct conversion<step_inside> {
  static constexpr bool never_fails = true;
  static bool take(scheduler&, const step_inside& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler&, bool had_events) noexcept {
    lua_pushboolean(L, had_events ? 1 : 0);
    return 1;
  }
};

template <>
struct conversion<event::wait_awaitable> {
  static constexpr bool never_fails = true;
  struct nothing {};
  static nothing take(scheduler&, event::wait_awaitable&) noexcept { return {}; }
  static int push(lua_State*, scheduler&, nothing) noexcept { return 0; }
};

namespace {

int pause_for(lua_State* L, double seconds) {
  thread& self = scheduler::running_thread(L);
  copas::loop& home = self.owner().loop();
  if (!(seconds > 0)) return self.await<measured_yield>(L, {}, home);
  const deadline start = home.io().now();
  return self.await<measured_sleep>(L, {}, home, start, start + from_seconds(seconds));
}

int native_pause(lua_State* L) {
  const bool plain = lua_type(L, 1) == LUA_TNUMBER;  // nearly always, and then this is twice as fast
  if (plain) return pause_for(L, lua_tonumber(L, 1));
  return pause_for(L, is_left_out(L, 1) ? 0 : luaL_checknumber(L, 1));
}

int native_pauseforever(lua_State* L) {
  thread& self = scheduler::running_thread(L);
  copas::loop& home = self.owner().loop();
  self.prepare_lethargy(L);
  return self.await<measured_sleep>(L, {}, home, home.io().now(), never);
}

int native_wakeup(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  thread* const sleeping = owner.find(L, 1);
  if (sleeping == nullptr || !sleeping->wake(L, 1)) {
    lua_pushnil(L);
    lua_pushliteral(L, "not sleeping");
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

// timeout(delay [, callback]): calls it with the running coroutine after a time, unless it sets or cancels another before
int native_timeout(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  lua_settop(L, 2);
  const double delay = lua_type(L, 1) == LUA_TNUMBER ? lua_tonumber(L, 1) : -1;
  const bool wanted = delay > 0 && delay < HUGE_VAL;
  if (!(delay >= 0)) {
    luaL_error(L, "timout value must be greater than or equal to 0, got: %s", luaL_tolstring(L, 1, nullptr));
  }
  if (wanted && lua_isnil(L, 2)) luaL_error(L, "the callback parameter is required");
  if (thread* const running = owner.shared().current) {
    running->note_timeout();
    running->push_coroutine(L);
  } else {
    lua_pushthread(L);
  }
  owner.timed().cancel(lua_tothread(L, 3));
  if (wanted) owner.timed().set(L, 3, 2, from_seconds(delay));
  lua_pushboolean(L, 1);
  return 1;
}

int native_cancel_timeouts(lua_State* L) {
  scheduler::of(L).timed().clear();
  return 0;
}

// own_words([wanted]): whether the running thread wants the words of the library below for a timeout
int native_own_words(lua_State* L) {
  thread* const running = state::of(L).current;
  if (running != nullptr && !lua_isnone(L, 1)) running->wants_own_words = lua_toboolean(L, 1) != 0;
  lua_pushboolean(L, running != nullptr && running->wants_own_words ? 1 : 0);
  return 1;
}

// timed_out([noted]): whether an operation of the running thread was given up, for its time was over, since this was asked
// last, or somebody noted so
int native_timed_out(lua_State* L) {
  thread* const running = state::of(L).current;
  const bool before = running != nullptr && std::exchange(running->has_timed_out, lua_toboolean(L, 1) != 0);
  lua_pushboolean(L, before ? 1 : 0);
  return 1;
}

// where(): see push_position
int native_where(lua_State* L) {
  push_position(L);
  return 1;
}

// Makes a coroutine of copies of the function at `first` and the arguments above it, and a thread of that; the coroutine is
// on top of the stack.
thread& make_thread(scheduler& owner, lua_State* L, int first, thread_origin& from,
                    thread::holding what = thread::holding::coroutine) {
  if (!resumes_c_functions && lua_iscfunction(L, first) != 0) {
    owner.push_caller(L);
    lua_insert(L, first);
  }
  const int count = lua_gettop(L) - first + 1;
  if (count >= LUA_MINSTACK / 2) luaL_checkstack(L, count, "too many arguments");
  lua_State* const coroutine = owner.new_coroutine(L, first);
  if (count >= LUA_MINSTACK / 2 && lua_checkstack(coroutine, count + 1) == 0) luaL_error(L, "too many arguments");
  const int there = lua_gettop(coroutine);
  for (int each = there; each < count; ++each) lua_pushvalue(L, first + each);
  lua_xmove(L, coroutine, count - there);
  return owner.adopt(coroutine, from, what);
}

thread& make_thread(lua_State* L, int first, int level, thread::holding what = thread::holding::coroutine) {
  scheduler& owner = scheduler::of(L);
  return make_thread(owner, L, first, owner.origins().caller(L, level), what);
}

// addthread(function, ...): its thread
int native_addthread(lua_State* L) {
  if (lua_gettop(L) == 0) lua_settop(L, 1);
  make_thread(L, 1, 1).start(thread::beginning::queued);
  return 1;
}

// spawn(level, function, ...): the thread of a function that the caller `level` levels up asks for.
int native_spawn(lua_State* L) {
  const auto level = static_cast<int>(luaL_checkinteger(L, 1));
  if (lua_gettop(L) < 2) lua_settop(L, 2);
  make_thread(L, 2, level).start(thread::beginning::queued);
  return 1;
}

// spawn_now(level, function, ...): as spawn, but the thread runs until its first wait before this returns.
int native_spawn_now(lua_State* L) {
  const auto level = static_cast<int>(luaL_checkinteger(L, 1));
  luaL_checkany(L, 2);
  scheduler::of(L).start_now(L, make_thread(L, 2, level));
  return 1;
}

// serve(function, client, server, number, close_at_end): the thread of a connection, which starts at once. Its origin is
// that of the caller, the thread of the server.
int native_serve(lua_State* L) {
  const auto server = static_cast<std::uint32_t>(luaL_checkinteger(L, 3));
  const auto number = static_cast<std::uint32_t>(luaL_checkinteger(L, 4));
  const bool close_at_end = lua_toboolean(L, 5) != 0;
  const served_client which{.server = server, .number = number};
  socket_object* const object = socket_object::to(L, 2);
  if (object != nullptr) object->client = which;
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_insert(L, 1);
  thread& handler =
      make_thread(scheduler::of(L), L, 2, scheduler::running_thread(L).started_at(), thread::holding::socket);
  handler.serve(L, 1, which, object != nullptr && close_at_end ? object->shared() : ref<copas::socket>{});
  if (object == nullptr && close_at_end) handler.close_foreign_at_end();
  handler.start(thread::beginning::promptly);
  return 1;
}

// serve_datagrams(level, function, socket, server): the thread of a handler of datagrams, which begins within this call.
int native_serve_datagrams(lua_State* L) {
  const auto level = static_cast<int>(luaL_checkinteger(L, 1));
  const auto server = static_cast<std::uint32_t>(luaL_checkinteger(L, 4));
  lua_settop(L, 3);
  lua_pushvalue(L, 3);
  lua_replace(L, 1);
  thread& handler = make_thread(L, 2, level, thread::holding::socket);
  handler.serve(L, 1, {.server = server, .number = 0}, {});
  scheduler::of(L).start_now(L, handler);
  return 1;
}

// client_of(thread or socket): the number of its server and its own number there, which is 0 for the only handler of a
// socket for datagrams; nothing if it belongs to none.
int native_client_of(lua_State* L) {
  served_client found;
  if (const socket_object* object = socket_object::to(L, 1)) {
    found = object->client;
  } else if (const thread* known = scheduler::of(L).find(L, 1)) {
    found = known->client();
  }
  if (found.server == 0) return 0;
  lua_pushinteger(L, found.server);
  lua_pushinteger(L, found.number);
  return 2;
}

int native_origin_of(lua_State* L) {
  const thread* known = scheduler::of(L).find(L, 1);
  if (known == nullptr) return 0;
  const std::string_view text = known->started_at().text;
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

// last_wait_of(thread): what it does while it waits, and true; or what it did when it waited last, and false
int native_last_wait_of(lua_State* L) {
  const thread* known = scheduler::of(L).find(L, 1);
  if (known == nullptr || known->last_wait().empty()) return 0;
  lua_pushlstring(L, known->last_wait().data(), known->last_wait().size());
  lua_pushboolean(L, known->waiting_on() != nullptr ? 1 : 0);
  return 2;
}

int native_remove(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  thread* const removed = owner.find(L, 1);
  if (removed != nullptr && (removed->client().server == 0 || lua_toboolean(L, 2) != 0)) owner.remove(L, 1, *removed);
  return 0;
}

// A step with nothing to wait for ends all the same, for the sake of main loops that do other things between steps.
constexpr std::chrono::milliseconds longest_vain_step{100};

int native_step(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  thread* const running = state::of(L).current;
  deadline until = never;
  if (!is_left_out(L, 1)) {
    const double seconds = luaL_checknumber(L, 1);
    until = seconds > 0 ? owner.loop().io().after(from_seconds(seconds)) : deadline::min();
  } else if (owner.loop().busy()) {
    until = deadline::min();  // no wait, but a look at what the system reports
  } else if (owner.finished()) {
    until = owner.loop().io().after(longest_vain_step);
  }
  if (owner.may_step(running)) return running->await<step_inside>(L, {}, owner.loop(), owner.guest_step(), until);
  lua_pushboolean(L, owner.step(L, until) ? 1 : 0);
  return 1;
}

// stepping(): is that of `let_step` in a step?
int native_stepping(lua_State* L) {
  lua_pushboolean(L, scheduler::of(L).guest_step() != nullptr ? 1 : 0);
  return 1;
}

// let_step(): the running thread may call copas.step; returns its coroutine
int native_let_step(lua_State* L) {
  thread& self = scheduler::running_thread(L);
  self.owner().let_step(self);
  self.push_coroutine(L);
  return 1;
}

// guest_loops(boolean): is that of `let_step` in a loop inside of the loop?
int native_guest_loops(lua_State* L) {
  scheduler::of(L).let_guest_loop(lua_toboolean(L, 1) != 0);
  return 0;
}

// Has the table at 1 the function at 2 at the key at 3?
bool unchanged(lua_State* L) {
  lua_pushvalue(L, 3);
  lua_rawget(L, 1);
  const bool same = lua_topointer(L, -1) == lua_topointer(L, 2);
  lua_pop(L, 1);
  return same;
}

// run(copas, step, timeout): steps until the loop is finished, the field `step` of `copas` is another function, or a hook
// was set for the caller, who is to run into it.
int native_run(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  const std::chrono::nanoseconds timeout = optional_timeout(L, 3);
  const lua_Hook hook = lua_gethook(L);
  lua_settop(L, 2);
  lua_pushliteral(L, "step");
  do {
    deadline until = never;
    if (owner.finished()) {
      until = deadline::min();
    } else if (timeout != unlimited) {
      until = owner.loop().io().after(timeout);
    }
    owner.step(L, until, until == never ? &unchanged : nullptr);
  } while (lua_gethook(L) == hook && unchanged(L) && !owner.finished() && !owner.loop().stopping());
  return 0;
}

// interrupted(): was the loop asked to stop, by a signal, since this was called last?
int native_interrupted(lua_State* L) {
  lua_pushboolean(L, scheduler::of(L).loop().take_stop() ? 1 : 0);
  return 1;
}

// handle_signals(): from now on SIGINT and SIGTERM interrupt the loop, and end the process when they come again.
int native_handle_signals(lua_State* L) {
  scheduler::of(L).handle_signals();
  return 0;
}

int native_finished(lua_State* L) {
  lua_pushboolean(L, scheduler::of(L).finished() ? 1 : 0);
  return 1;
}

int native_waitforexit(lua_State* L) {
  thread& self = scheduler::running_thread(L);
  return self.await<event::wait_awaitable>(L, {}, scheduler::of(L).exiting(), never);
}

int native_exit(lua_State* L) {
  scheduler::of(L).exiting().set();
  return 0;
}

int native_exiting(lua_State* L) {
  lua_pushboolean(L, scheduler::of(L).exiting().happened() ? 1 : 0);
  return 1;
}

// reset_exit(inside): a loop begins; an error if one runs already, unless it is meant to be inside of that
int native_reset_exit(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  if (lua_toboolean(L, 1) == 0) owner.check_not_turning(L);
  owner.exiting().reset();
  return 0;
}

// on(what, function): what the scheduler calls for an error in a thread, to close a socket of another library, in the
// thread of a timeout, to trace threads, to call a C function, for the name of a thread, and to make a coroutine.
int native_on(lua_State* L) {
  using callback = scheduler::callback;
  static constexpr const char* names[] = {"error", "close", "timeout", "trace", "call", "name", "create", nullptr};
  static constexpr callback callbacks[] = {callback::report_error, callback::close_foreign, callback::timeout,
                                           callback::trace,        callback::call,          callback::name,
                                           callback::create};
  const callback which = callbacks[luaL_checkoption(L, 1, nullptr, names)];
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  scheduler::of(L).set_callback(L, which);
  return 0;
}

int native_now(lua_State* L) {
  lua_pushnumber(L, to_seconds(scheduler::of(L).loop().io().now().time_since_epoch()));
  return 1;
}

int native_gettime(lua_State* L) {
  lua_pushnumber(L, to_seconds(scheduler::of(L).loop().io().wall()));
  return 1;
}

// running(): the coroutine of the thread that runs, whatever coroutine it has resumed; outside of threads as Lua's own
int native_running(lua_State* L) {
  if (const thread* running = state::of(L).current) {
    running->push_coroutine(L);
    return 1;
  }
  const bool is_main = lua_pushthread(L) != 0;
  if (is_main && !c_may_call_what_waits) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  return 1;
}

}  // namespace

void set_scheduler_function(lua_State* L, int scheduler, const char* name, lua_CFunction function) {
  scheduler = lua_absindex(L, scheduler);
  state::push(L);
  lua_pushvalue(L, scheduler);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}

void add_thread_functions(lua_State* L, int scheduler) {
  constexpr luaL_Reg functions[] = {
      {"addthread", guarded<native_addthread>},
      {"cancel_timeouts", guarded<native_cancel_timeouts>},
      {"client_of", guarded<native_client_of>},
      {"exit", guarded<native_exit>},
      {"exiting", guarded<native_exiting>},
      {"finished", guarded<native_finished>},
      {"gettime", guarded<native_gettime>},
      {"handle_signals", guarded<native_handle_signals>},
      {"interrupted", guarded<native_interrupted>},
      {"now", guarded<native_now>},
      {"on", guarded<native_on>},
      {"guest_loops", guarded<native_guest_loops>},
      {"last_wait_of", guarded<native_last_wait_of>},
      {"let_step", guarded<native_let_step>},
      {"origin_of", guarded<native_origin_of>},
      {"own_words", guarded<native_own_words>},
      {"pause", guarded<native_pause>},
      {"pauseforever", guarded<native_pauseforever>},
      {"remove", guarded<native_remove>},
      {"reset_exit", guarded<native_reset_exit>},
      {"run", guarded<native_run>},
      {"running", guarded<native_running>},
      {"serve", guarded<native_serve>},
      {"serve_datagrams", guarded<native_serve_datagrams>},
      {"spawn", guarded<native_spawn>},
      {"spawn_now", guarded<native_spawn_now>},
      {"step", guarded<native_step>},
      {"stepping", guarded<native_stepping>},
      {"timed_out", guarded<native_timed_out>},
      {"timeout", guarded<native_timeout>},
      {"waitforexit", guarded<native_waitforexit>},
      {"where", guarded<native_where>},
      {"wakeup", guarded<native_wakeup>},
  };
  for (const luaL_Reg& each : functions) set_scheduler_function(L, scheduler, each.name, each.func);
  lua_pushliteral(L, COPAS_VERSION);
  lua_setfield(L, -2, "engine");
}

}  // namespace copas::lua
