// Asynchronous C++ functions as Lua functions. A call of one is an operation like any other: the calling thread has it in
// its slot, and waits until the C++ coroutine has ended.

#include "copas/lua/async_function.hpp"

#include "lua/exceptions.hpp"
#include "lua/gate.hpp"
#include "lua/guard.hpp"
#include "lua/module.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"
#include "lua/thread.hpp"

namespace copas::lua {
namespace {

using detail::async_call_ptr;
using detail::async_function;

const char failure_mark = 0;
const char metatable_key = 0;

/// A call in progress. While the C++ coroutine waits, it is what the thread waits on, as reports show; this becomes a
/// parked operation only when the coroutine has ended, and at once a woken one.
class async_operation final : public wait_node {
 public:
  async_operation(thread& caller, async_function& called, lua_State* L)
      : caller_{caller}, call_{called.begin(caller.owner().loop(), L)} {}

  // The coroutine may do anything but wait as the Lua thread does: its slot is taken.
  bool await_ready() noexcept {
    thread*& current = caller_.owner().shared().current;
    thread* const running = std::exchange(current, nullptr);
    call_->start();
    current = running;
    return call_->ended();
  }
  void await_suspend(waiter who) noexcept {
    who_ = who;
    call_->on_end({[](void* self) { static_cast<async_operation*>(self)->wake(); }, this});
  }
  void await_resume() const noexcept {}

  [[nodiscard]] async_call_ptr take() noexcept { return std::move(call_); }
  [[nodiscard]] std::string_view activity() const noexcept override { return "returning from a C++ function"; }

 private:
  // Lua runs when the coroutine's frame is no longer on the C++ stack, which Lua's errors must not jump over.
  void wake() noexcept {
    loop& home = caller_.owner().loop();
    park(home, who_, wait_kind::signal, never);
    run_as(caller_);
    home.schedule_next(*this);
  }

  thread& caller_;
  async_call_ptr call_;
  waiter who_;
};

}  // namespace

/// An error is three values: a mark, the error, and whether the position of the caller is to be put in front of it.
template <>
struct conversion<async_operation> {
  static std::size_t take(scheduler& owner, async_operation& operation) {
    return owner.shared().keep_finished(operation.take());
  }

  static int push(lua_State* L, scheduler& owner, std::size_t kept) {
    state& shared = owner.shared();
    const int results = push_outcome(L, shared.finished(kept));
    shared.drop_finished(kept);
    return results;
  }

  static int settle(lua_State* L, int results) {
    const bool failed = results == 3 && lua_touserdata(L, -3) == mark();
    if (!failed || !goes_on_after_yield) return results;
    const bool wants_position = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    if (wants_position) {
      luaL_where(L, 1);
      lua_insert(L, -2);
      lua_concat(L, 2);
    }
    return lua_error(L);
  }

  static void* mark() noexcept { return const_cast<char*>(&failure_mark); }

 private:
  static int push_outcome(lua_State* L, const detail::async_call& call) {
    if (!call.failure()) return call.push_results(L);
    const error* const raised = lua_error_in(call.failure());
    lua_pushlightuserdata(L, mark());
    push_exception(L, call.failure());
    lua_pushboolean(L, raised == nullptr || !raised->value() ? 1 : 0);
    return 3;
  }
};

namespace {

using outcome = conversion<async_operation>;

async_function& called_function(lua_State* L) {
  async_function* const called = static_cast<ref<async_function>*>(lua_touserdata(L, lua_upvalueindex(2)))->get();
  if (called == nullptr) raise(L, "the Lua state is closed");
  return *called;
}

// Raises an error, with the text on top of the stack, as one that the C++ function ended with.
int refuse(lua_State* L) {
  lua_pushlightuserdata(L, outcome::mark());
  lua_insert(L, -2);
  lua_pushboolean(L, 1);
  return outcome::settle(L, 3);
}

int call_async_function(lua_State* L) {
  thread& self = scheduler::running_thread(L);
  async_function& called = called_function(L);
  int wrong = 0;
  if (const char* const problem = called.check(L, wrong)) {
    lua_pushfstring(L, "bad argument #%d to '%s' (%s)", wrong, called.name().c_str(), problem);
    return refuse(L);
  }
  return outcome::settle(L, self.await<async_operation>(L, {}, self, called, L));
}

int release_function(lua_State* L) {
  *static_cast<ref<async_function>*>(lua_touserdata(L, 1)) = {};
  return 0;
}

void push_holder(lua_State* L, const ref<async_function>& held) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, &release_function);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
  }
  new (lua_newuserdata(L, sizeof held)) ref{held};  // from here on nothing can fail until it has its finaliser
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
}

void push_closure(lua_State* L, const ref<async_function>& pushed) {
  if (!goes_on_after_yield) push_chunk(L, "async_function");
  state::push(L);
  push_holder(L, pushed);
  lua_pushcclosure(L, guarded<call_async_function>, 2);
  if (goes_on_after_yield) return;
  lua_pushlightuserdata(L, outcome::mark());
  lua_call(L, 2, 1);
}

}  // namespace

void detail::push_async_function(lua_State* L, ref<async_function> pushed) {
  gate::of(L)->enter([&](lua_State* inside) {
    push_closure(inside, pushed);
    lua_xmove(inside, L, 1);
  });
}

void detail::set_global(lua_State* L, const std::string& name) {
  gate::enter(L, 1, [&name](lua_State* inside) { lua_setglobal(inside, name.c_str()); });
}

}  // namespace copas::lua
