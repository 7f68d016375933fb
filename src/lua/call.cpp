// Lua functions called by C++ tasks: each call is a Lua thread, whose end the task awaits.

#include "copas/lua/call.hpp"

#include <string>

#include "copas/lua/error.hpp"
#include "lua/exceptions.hpp"
#include "lua/registry_slot.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"
#include "lua/thread.hpp"

namespace copas::lua::detail {
namespace {

scheduler& home_of(const function& called) {
  if (!called) throw error{"there is no Lua function to call"};
  const registry_slot& slot = *called.slot();
  if (!slot.entrance().shared().has(slot.home())) throw error{"copas is not open in this Lua state"};
  return *slot.home();
}

std::string text_of(const std::source_location& where) {
  return std::string{where.file_name()} + ":" + std::to_string(where.line());
}

}  // namespace

call_operation::~call_operation() {
  if (thread_ == nullptr) return;
  thread_->forget_outcome();
  thread_->cancel();
}

bool call_operation::await_ready() noexcept {
  try {
    start();
  } catch (...) {
    failure_ = std::current_exception();
  }
  return thread_ == nullptr;
}

void call_operation::start() {
  scheduler& home = home_of(callee_);
  const std::string origin = text_of(where_);  // made here: an error of Lua jumps over what is inside
  callee_.slot()->entrance().enter([&](lua_State* L) {
    lua_State* const coroutine = lua_newthread(L);
    callee_.push(L);
    const int arguments = push_arguments(L);
    luaL_checkstack(coroutine, arguments + 1, "too many arguments");
    lua_xmove(L, coroutine, arguments + 1);
    thread_ = &home.adopt(coroutine, home.origins().named(origin));
  });
  thread_->watch_outcome(*this);
  thread_->start(thread::beginning::promptly);
}

void call_operation::await_suspend(waiter who) noexcept {
  park(thread_->owner().loop(), who, wait_kind::signal, never);
}

void call_operation::returned(lua_State* L, int first) {
  int wrong = 0;
  try {
    if (const char* const problem = take_results(L, first, wrong)) {
      throw error{"bad result #" + std::to_string(wrong) + " of a Lua function (" + problem + ")"};
    }
  } catch (const std::exception&) {
    failure_ = std::current_exception();
  }
  returned_ = true;
}

void call_operation::failed(lua_State* L, lua_State* coroutine) {
  try {
    throw take_error(L, traceback_of(L, coroutine));
  } catch (const std::exception&) {  // that, or lack of memory for it
    failure_ = std::current_exception();
  }
}

void call_operation::on_task_end() noexcept {
  thread_ = nullptr;
  if (!returned_ && !failure_) {
    try {
      throw error{"the thread of the Lua function was removed"};
    } catch (const std::exception&) {
      failure_ = std::current_exception();
    }
  }
  home()->schedule_next(*this);
}

}  // namespace copas::lua::detail
