#include "lua/scheduler.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "lua/exceptions.hpp"
#include "lua/gate.hpp"
#include "lua/guard.hpp"
#include "lua/reactor_choice.hpp"
#include "lua/seconds.hpp"
#include "lua/socket_object.hpp"
#include "lua/step_inside.hpp"
#include "lua/tables.hpp"

namespace copas::lua {

// What sits in the table of guards: frees a thread whose coroutine was collected while it waited for `wakeup`. It never
// looks at the coroutine, which is gone, and whose address may be in use again.
struct guard_of_thread {
  thread* guarded;  // null once the thread is awake
};

namespace {

const char guard_metatable = 0;

int finalise_guard(lua_State* L) {
  auto& guard = *static_cast<guard_of_thread*>(lua_touserdata(L, 1));
  if (thread* const left = std::exchange(guard.guarded, nullptr)) left->abandon(L);
  return 0;
}

// What the module calls the kinds of waits.
void push_wait(lua_State* L, const wait_node* operation) {
  if (operation == nullptr) return lua_pushnil(L);
  switch (operation->kind()) {
    case wait_kind::read: return static_cast<void>(lua_pushliteral(L, "read"));
    case wait_kind::write: return static_cast<void>(lua_pushliteral(L, "write"));
    default: return static_cast<void>(lua_pushliteral(L, "sleep"));
  }
}

// For a thread that asks: is nothing left but itself, and `guest`, which waits for the others?
bool others_finished(const loop& home, const wait_node* guest) noexcept {
  const std::size_t of_guest = guest != nullptr && guest->has_timer() ? 1 : 0;
  if (home.timers() != home.parked(wait_kind::background) + of_guest) return false;
  if (home.parked(wait_kind::read) > 0 || home.parked(wait_kind::write) > 0) return false;
  bool left = false;
  home.tasks().for_each(
      [&left](const task_record& each) { left = left || (!each.running() && each.waiting_on() == nullptr); });
  return !left;
}

void push_guard_metatable(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &guard_metatable);
  if (lua_istable(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, &finalise_guard);
  lua_setfield(L, -2, "__gc");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &guard_metatable);
}

}  // namespace

scheduler::scheduler(lua_State* L, state& shared)
    : shared_{shared},
      lua_{L},
      idle_{L},
      loop_{choose_reactor()},
      timeouts_{*this},
      garbage_{loop_},
      buckets_(64),
      exiting_{loop_},
      descriptors_{loop_},
      statistics_{loop_} {
  loop_.on_descriptor_shortage = [&shared] { return shared.free_descriptors(); };
  loop_.on_error([this](const std::exception_ptr& thrown, const task_record& failed) { report(thrown, failed); });
  shared.schedulers.push_front(*this);
}

void scheduler::prepare(lua_State* L) {
  anchors_.make(L);
  origins_.make(L, anchors_.shelf());
  scratch_ = lua_newthread(L);
  lua_setfield(L, -2, "scratch");
  push_weak_table(L, "k");
  guards_ = luaL_ref(L, LUA_REGISTRYINDEX);
  meet_address(L, this);
  meet_address(L, static_cast<void*>(&L));
  prepared_ = lua_gettop(anchors_.shelf()) + 1;
  for (const lua_CFunction each : {&guarded<run_turns>, &guarded<run_thread>}) {
    lua_pushcfunction(L, each);
    lua_xmove(L, anchors_.shelf(), 1);
  }
}

scheduler::~scheduler() = default;

bool scheduler::close(lua_State* L) {
  unlink();
  lua_ = L;
  closing_ = true;
  loop_.cancel_all();
  timeouts_.clear();
  luaL_unref(L, LUA_REGISTRYINDEX, guards_);
  return loop_.tasks().empty();
}

scheduler& scheduler::of(lua_State* L) {
  auto* found = *static_cast<scheduler**>(lua_touserdata(L, lua_upvalueindex(2)));
  if (found == nullptr) raise(L, "the scheduler is closed");
  return *found;
}

thread& scheduler::running_thread(lua_State* L) {
  thread* const running = state::of(L).current;
  if (running == nullptr) refuse_to_wait(L);
  return *running;
}

void scheduler::refuse_to_wait(lua_State* L) { raise(L, "attempt to yield from outside a coroutine"); }

bool scheduler::finished() const noexcept {
  // A timeout may wake threads that wait for a signal, which are all that are left then: not the one that asks, nor the
  // guest, which waits for the others.
  std::size_t awake = shared_.current != nullptr ? 1 : 0;
  if (guest_step_ != nullptr || guest_loops_) ++awake;
  const bool may_wake = timeouts_.pending() > 0 && threads_ > awake;
  const bool inside = turning_ || loop_.current() != nullptr;
  return !may_wake && (inside ? others_finished(loop_, guest_step_) : loop_.finished());
}

bool scheduler::may_have_dropped_sockets() const noexcept {
  const std::size_t waited_for = loop_.parked(wait_kind::read) + loop_.parked(wait_kind::write);
  return shared_.sockets > waited_for || !descriptors_.empty();
}

thread& scheduler::adopt(lua_State* coroutine, thread_origin& from, thread::holding what) {
  thread& added = *new (thread::room{from.room}) thread{*this, coroutine, from, what};
  link(added, newcomers_);
  ++threads_;
  return added;
}

void scheduler::link(thread& added, thread*& chain) noexcept {
  added.next_in_chain = chain;
  added.linked_by = &chain;
  if (chain != nullptr) chain->linked_by = &added.next_in_chain;
  chain = &added;
}

void scheduler::sort_in(thread* chain) noexcept {
  while (chain != nullptr) {
    thread& each = *std::exchange(chain, chain->next_in_chain);
    link(each, buckets_[bucket_of(each.coroutine())]);
  }
}

void scheduler::sort_newcomers_in() {
  if (newcomers_ == nullptr) return;
  if (threads_ > buckets_.size()) {
    std::vector<thread*> smaller(2 * std::bit_ceil(threads_));
    smaller.swap(buckets_);
    for (thread* each : smaller) sort_in(each);
  }
  sort_in(std::exchange(newcomers_, nullptr));
}

std::size_t scheduler::bucket_of(const lua_State* coroutine) const noexcept {
  return (reinterpret_cast<std::uintptr_t>(coroutine) >> 5) * 0x9E3779B97F4A7C15U >> 32 & (buckets_.size() - 1);
}

thread* scheduler::find(lua_State* L, int index) {
  const lua_State* const coroutine = lua_tothread(L, index);
  if (coroutine == nullptr) return nullptr;
  sort_newcomers_in();
  thread* found = buckets_[bucket_of(coroutine)];
  for (; found != nullptr; found = found->next_in_chain) {
    if (found->coroutine() == coroutine && (!found->lethargic() || guards(L, index, *found))) return found;
  }
  return nullptr;
}

void scheduler::forget(thread& gone) noexcept {
  if (guest_ == &gone) {
    guest_ = nullptr;
    guest_loops_ = false;
  }
  if (gone.linked_by == nullptr) return;
  *gone.linked_by = gone.next_in_chain;
  if (gone.next_in_chain != nullptr) gone.next_in_chain->linked_by = gone.linked_by;
  --threads_;
}

void scheduler::start_now(lua_State* L, thread& made) {
  lua_State* const outer = std::exchange(lua_, L);
  made.start(thread::beginning::at_once);
  lua_ = outer;
}

void scheduler::remove(lua_State* L, int coroutine, thread& removed) {
  lua_State* const outer = std::exchange(lua_, L);
  removed.leave_lethargy(L, coroutine);
  removed.cancel();
  lua_ = outer;
}

guard_of_thread& scheduler::guard(lua_State* L, int index, thread& guarded) {
  index = lua_absindex(L, index);
  lua_rawgeti(L, LUA_REGISTRYINDEX, guards_);
  lua_pushvalue(L, index);
  auto* guard = static_cast<guard_of_thread*>(lua_newuserdata(L, sizeof(guard_of_thread)));
  guard->guarded = nullptr;
  push_guard_metatable(L);
  lua_setmetatable(L, -2);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  guard->guarded = &guarded;
  return *guard;
}

void scheduler::disarm(guard_of_thread& guard) noexcept { guard.guarded = nullptr; }

bool scheduler::guards(lua_State* L, int index, const thread& guarded) const {
  index = lua_absindex(L, index);
  lua_rawgeti(L, LUA_REGISTRYINDEX, guards_);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  const auto* guard = static_cast<const guard_of_thread*>(lua_touserdata(L, -1));
  const bool found = guard != nullptr && guard->guarded == &guarded;
  lua_pop(L, 2);
  return found;
}

void scheduler::report(lua_State* L, const thread* failed) {
  // The reporter deals with errors of handlers, which leaves lack of memory; garbage has been collected the second time.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!push_callback(L, callback::report_error)) break;
    lua_pushvalue(L, -2);
    if (failed != nullptr) {
      failed->push_coroutine(L);
      failed->push_socket(L);
    } else {
      lua_pushnil(L);
      lua_pushnil(L);
    }
    if (lua_pcall(L, 3, 0, 0) == LUA_OK) break;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

struct scheduler::failed_task {
  const scheduler& owner;
  const std::exception_ptr& thrown;
  std::string name;
  std::string origin;
  std::string_view last_wait;
};

// The handler expects a coroutine, so it gets a dead one in place of the task.
void scheduler::report_task(lua_State* L, const failed_task& failed) {
  if (!failed.owner.push_callback(L, callback::report_error)) return;
  const error* const raised = lua_error_in(failed.thrown);
  push_exception(L, failed.thrown);
  lua_newthread(L);
  lua_pushnil(L);
  lua_pushstring(L, failed.name.c_str());
  lua_pushstring(L, failed.origin.c_str());
  lua_pushstring(L, raised != nullptr ? raised->traceback().c_str() : "");
  lua_pushlstring(L, failed.last_wait.data(), failed.last_wait.size());
  lua_call(L, 7, 0);
}

void scheduler::report(const std::exception_ptr& thrown, const task_record& failed) {
  const failed_task told{*this, thrown, failed.name(), failed.origin(), failed.last_wait()};
  gate::of(lua_)->enter([&told](lua_State* inside) { report_task(inside, told); });
}

void scheduler::trace(lua_State* L, const char* what, const thread& whom, const wait_node* operation) {
  if (!push_callback(L, callback::trace)) return;
  lua_pushstring(L, what);
  whom.push_coroutine(L);
  push_wait(L, operation);
  whom.push_socket(L);
  const deadline until = operation != nullptr ? operation->until() : never;
  lua_pushnumber(L, until == never ? HUGE_VAL : to_seconds(until - loop_.io().now()));
  if (lua_pcall(L, 5, 0, 0) != LUA_OK) lua_pop(L, 1);  // a logger that fails does not disturb what it looks at
}

void scheduler::replace_socket(lua_State* L, int old, int fresh) {
  if (shared().current != nullptr && shared().current->replace_socket(L, old, fresh)) return;
  const socket_object* const native = socket_object::to(L, old);
  if (native != nullptr && native->client.server == 0) return;  // no server's, so nobody closes it at the end
  loop_.tasks().for_each([&](task_record& each) {
    if (auto* const known = dynamic_cast<thread*>(&each)) static_cast<void>(known->replace_socket(L, old, fresh));
  });
}

std::string scheduler::name_of(const thread& whom) const {
  if (whom.lethargic() || !push_callback(scratch_, callback::name)) return {};
  whom.push_coroutine(scratch_);
  const bool found = lua_pcall(scratch_, 1, 1, 0) == LUA_OK && lua_isstring(scratch_, -1) != 0;
  std::string name{found ? lua_tostring(scratch_, -1) : ""};
  lua_pop(scratch_, 1);
  return name;
}

void scheduler::push_threads(lua_State* L) {
  lua_newtable(L);
  int count = 0;
  loop_.tasks().for_each([&](task_record& each) {
    const auto* known = dynamic_cast<const thread*>(&each);
    if (known == nullptr || known->lethargic()) return;
    known->push_coroutine(L);
    lua_rawseti(L, -2, ++count);
  });
  lua_rawgeti(L, LUA_REGISTRYINDEX, guards_);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (static_cast<const guard_of_thread*>(lua_touserdata(L, -1))->guarded == nullptr) continue;
    lua_pushvalue(L, -2);
    lua_rawseti(L, -5, ++count);
  }
  lua_pop(L, 1);
}

void scheduler::run_timeout(lua_State* L) {
  if (!push_callback(L, callback::timeout)) return lua_pop(L, 2);
  lua_insert(L, -3);
  lua_State* const coroutine = new_coroutine(L, lua_gettop(L) - 2);
  const int there = lua_gettop(coroutine);
  lua_insert(L, -4);
  lua_xmove(L, coroutine, 3 - there);
  lua_pop(L, there);
  thread& made = adopt(coroutine, origins_.named("copas.timeout"));
  made.start(thread::beginning::at_once);
  lua_pop(L, 1);
}

// When a state of Lua 5.1 or LuaJIT is closed, it has unloaded the libraries that were loaded after this one: the socket's
// methods are there no more. It closes its descriptor itself.
void scheduler::close_foreign(lua_State* L, const thread& ended) {
  constexpr bool unloads_early = LUA_VERSION_NUM == 501;
  if (closing_ && unloads_early) return;
  if (!push_callback(L, callback::close_foreign)) return;
  ended.push_socket(L);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);  // a socket that cannot be closed is its owner's affair
}

lua_State* scheduler::new_coroutine(lua_State* L, int function) const {
  if (!creates_by_callback_ || !push_callback(L, callback::create)) return lua_newthread(L);
  lua_pushvalue(L, function);
  lua_call(L, 1, 1);
  lua_State* const made = lua_tothread(L, -1);
  if (made == nullptr || lua_gettop(made) != 1) raise(L, "coroutine.create, which was replaced, has made no coroutine");
  return made;
}

void scheduler::push_caller(lua_State* L) const {
  if (!push_callback(L, callback::call)) lua_pushnil(L);
}

void scheduler::set_callback(lua_State* L, callback which) {
  if (which == callback::create) creates_by_callback_ = true;
  if (!push_own_table(L, this)) return lua_pop(L, 1);
  lua_insert(L, -2);
  lua_rawseti(L, -2, static_cast<int>(which));
  lua_pop(L, 1);
}

bool scheduler::push_callback(lua_State* L, callback which) const {
  if (!push_own_table(L, this)) return false;
  lua_rawgeti(L, -1, static_cast<int>(which));
  lua_remove(L, -2);
  return true;
}

}  // namespace copas::lua
