#include "lua/names.hpp"

#include <dlfcn.h>

#include <system_error>
#include <utility>

#include "copas/core/task.hpp"
#include "copas/io/system_reactor.hpp"
#include "lua/guard.hpp"
#include "lua/module.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"

namespace copas::lua {
namespace {

// Turns the loop of `by` until `lookup` has its result.
template <class T, class MakeLookup>
result<T> wait_blocking(resolver& by, MakeLookup make_lookup) {
  std::optional<result<T>> found;
  auto body = [](MakeLookup make, std::optional<result<T>>& into) -> task<> {
    auto lookup = make();
    into.emplace(co_await lookup);
  };
  by.home().spawn(body(std::move(make_lookup), found), "a look-up that blocks");
  while (!found) by.home().turn();
  return *std::move(found);
}

// LuaJIT tells whether a coroutine can yield, by a function that Lua 5.1, whose module it loads, does not have.
[[maybe_unused]] bool (*is_yieldable_of_host())(lua_State*) {
  using function = int (*)(lua_State*);
  static const auto found = reinterpret_cast<function>(::dlsym(RTLD_DEFAULT, "lua_isyieldable"));
  if (found == nullptr) return nullptr;
  return [](lua_State* L) { return found(L) != 0; };
}

// Is the function on top of the stack, which is popped, a function of Lua's that a coroutine can yield in?
[[maybe_unused]] bool is_transparent(lua_State* L) {
  const lua_CFunction function = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  for (const char* const name : {"pcall", "xpcall"}) {
    lua_getglobal(L, name);
    const bool same = function != nullptr && lua_tocfunction(L, -1) == function;
    lua_pop(L, 1);
    if (same) return resumes_c_functions;
  }
  return false;
}

// Does the calling coroutine run inside of a C function that it cannot yield in? Lua before 5.3 does not tell.
[[maybe_unused]] bool inside_c_function(lua_State* L) {
  lua_Debug frame{};
  for (int level = 1; lua_getstack(L, level, &frame) != 0; ++level) {
    lua_getinfo(L, "Sf", &frame);
    if (frame.what[0] != 'C') {
      lua_pop(L, 1);
    } else if (!is_transparent(L)) {
      return true;
    }
  }
  return false;
}

bool can_yield(lua_State* L) {
  if constexpr (tells_whether_yieldable) return is_yieldable(L);
  if (auto* const ask = is_yieldable_of_host()) return ask(L);
  return !inside_c_function(L);
}

}  // namespace

struct names::blocking_resolver {
  blocking_resolver(const resolver_options& how, dns::engine* by)
      : events{system_reactor()}, lookups{events, how, by} {}
  loop events;
  resolver lookups;
};

names::names(state& owner) : owner_{owner} {}
names::~names() = default;

resolver& names::of(scheduler& whose) {
  resolver* const known = resolver::find(whose.loop());
  return known != nullptr ? *known : resolver::install(whose.loop(), options_, engine_);
}

resolver& names::blocking() {
  if (!blocking_) {
    const auto make = [this] { return std::make_unique<blocking_resolver>(options_, engine_); };
    try {
      blocking_ = make();
    } catch (const std::system_error& failed) {
      if (!is_descriptor_shortage(failed.code()) || !owner_.free_descriptors()) throw;
      blocking_ = make();
    }
    blocking_->events.on_descriptor_shortage = [this] { return owner_.free_descriptors(); };
  }
  return blocking_->lookups;
}

void names::set_options(const resolver_options& how) {
  options_ = how;
  owner_.schedulers.for_each([&](scheduler& each) {
    if (resolver* const used = resolver::find(each.loop())) used->set_options(how);
  });
  if (blocking_) blocking_->lookups.set_options(how);
}

void names::load_engine(lua_State* L) {
  if (engine_tried_ || options_.mode == resolver_options::way::system) return;
  luaL_checkstack(L, LUA_MINSTACK, nullptr);
  lua_pushcfunction(L, guarded<load_cares>);
  const int status = lua_pcall(L, 0, 1, 0);
  engine_tried_ = status != LUA_ERRMEM;
  if (status == LUA_OK) engine_ = static_cast<dns::engine*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  if (engine_ == nullptr) return;
  owner_.schedulers.for_each([&](scheduler& each) {
    if (resolver* const used = resolver::find(each.loop())) used->set_engine(engine_);
  });
  if (blocking_) blocking_->lookups.set_engine(engine_);
}

std::size_t names::keep(host_entry found) {
  kept_.push_back(std::make_unique<host_entry>(std::move(found)));
  return kept_.size() - 1;
}

thread* thread_to_wait(lua_State* L) {
  thread* const running = state::of(L).current;
  return running != nullptr && can_yield(L) ? running : nullptr;
}

result<std::vector<address>> look_up_blocking(resolver& by, lookup_request what, std::chrono::nanoseconds timeout) {
  const deadline until = by.home().io().after(timeout);
  return wait_blocking<std::vector<address>>(by, [&] { return by.look_up(std::move(what), until); });
}

result<host_entry> look_up_host_blocking(resolver& by, std::string name, family wanted) {
  return wait_blocking<host_entry>(by, [&] { return by.look_up_host(std::move(name), wanted); });
}

result<host_entry> look_up_name_blocking(resolver& by, const address& of) {
  return wait_blocking<host_entry>(by, [&] { return by.look_up_name(of); });
}

}  // namespace copas::lua
