#include "lua/state.hpp"

#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <new>
#include <utility>

#include "lua/blocking.hpp"
#include "lua/gate.hpp"
#include "lua/names.hpp"
#include "lua/scheduler.hpp"

namespace copas::lua {
namespace {

const char registry_key = 0;
const char spare_key = 0;
const char collect_key = 0;

constexpr std::chrono::seconds rest_after_vain_collection{1};

bool is_descriptor_free() noexcept {
  return static_cast<bool>(unique_fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)});
}

int collect(lua_State* L) {
  lua_gc(L, LUA_GCCOLLECT, 0);
  return 0;
}

int finalise(lua_State* L) {
  static_cast<state*>(lua_touserdata(L, 1))->end();
  return 0;
}

}  // namespace

state& state::push(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  if (auto* known = static_cast<state*>(lua_touserdata(L, -1))) return *known;
  lua_pop(L, 1);
  auto* made = new (lua_newuserdata(L, sizeof(state))) state{};
  made->spare_ = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
  lua_pushcfunction(L, &collect);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &collect_key);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, &finalise);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
  return *made;
}

state* state::find(lua_State* L) noexcept {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  auto* const known = static_cast<state*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return known;
}

bool state::has(const scheduler* asked) const noexcept {
  bool found = false;
  schedulers.for_each([&](const scheduler& each) { found = found || &each == asked; });
  return found;
}

loop* state::newest_loop() const noexcept { return schedulers.empty() ? nullptr : &schedulers.front().loop(); }

bool state::free_descriptors() {
  if (ended_ || blocking_now() < not_before_) return false;
  thread* const running = std::exchange(current, nullptr);  // finalisers do not wait, least of all on its behalf
  for (int cycle = 0; cycle < 2; ++cycle) {  // finalisers may leave more
    lua_rawgetp(spare_, LUA_REGISTRYINDEX, &collect_key);
    if (lua_pcall(spare_, 0, 0, 0) != LUA_OK) lua_pop(spare_, 1);  // an error of a finaliser
  }
  current = running;
  if (is_descriptor_free()) return true;
  not_before_ = blocking_now() + rest_after_vain_collection;
  if (!std::exchange(told_of_shortage_, true)) std::fputs("copas: no descriptor is free\n", stderr);
  return false;
}

names& state::names() {
  if (!names_) names_.reset(new lua::names{*this});
  return *names_;
}

void state::names_deleter::operator()(lua::names* left) const noexcept { delete left; }

std::size_t state::pin(received&& bytes) {
  const std::size_t mine = depth_;
  if (mine == pinned_.size()) pinned_.push_back(std::make_unique<received>());
  *pinned_[mine] = std::move(bytes);
  ++depth_;
  return mine;
}

void state::push_pinned(lua_State* L, std::size_t pinned) {
  const std::string_view text = pinned_[pinned]->bytes();
  lua_pushlstring(L, text.data(), text.size());
  depth_ = pinned;
  *pinned_[pinned] = {};
}

void state::unpin(std::size_t pinned) noexcept {
  for (; depth_ > pinned; --depth_) *pinned_[depth_ - 1] = {};
}

state::progress state::pushes() const noexcept {
  return {.pins = depth_, .finished = finished_.size(), .names = names_ ? names_->kept_entries() : 0};
}

void state::drop_since(const progress& before) noexcept {
  unpin(before.pins);
  drop_finished(before.finished);
  if (names_) names_->drop(before.names);
}

std::size_t state::keep_finished(detail::async_call_ptr call) {
  finished_.push_back(std::move(call));
  return finished_.size() - 1;
}

void state::drop_finished(std::size_t kept) noexcept {
  while (finished_.size() > kept) {
    const detail::async_call_ptr dropped = std::move(finished_.back());  // whose destructors may do anything
    finished_.pop_back();
  }
}

thread* state::find(lua_State* L, int index) {
  thread* found = nullptr;
  schedulers.for_each([&](scheduler& each) {
    if (found == nullptr) found = each.find(L, index);
  });
  return found;
}

void state::abandon(lua_State* L, int index) {
  thread* const found = find(L, index);
  if (found != nullptr && !found->running()) found->abandon(L);
}

void state::holder_collected(lua_State* L, int holder) {
  lua_getuservalue(L, holder);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (thread* const held = find(L, -1)) held->holder_collected(L, -1);
  }
  lua_pop(L, 1);
}

void state::end() noexcept {
  ended_ = true;
  if (entrance) std::exchange(entrance, nullptr)->close();
  std::vector<std::unique_ptr<received>>{}.swap(pinned_);
  drop_finished(0);
  std::vector<detail::async_call_ptr>{}.swap(finished_);
  names_.reset();
}

void set_function(lua_State* L, const char* name, lua_CFunction function) {
  state::push(L);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

}  // namespace copas::lua
