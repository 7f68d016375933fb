#pragma once

#include <netdb.h>

#include <chrono>
#include <expected>
#include <system_error>
#include <utility>

#include "copas/net/resolver.hpp"
#include "lua/names.hpp"
#include "lua/scheduler.hpp"
#include "lua/seconds.hpp"
#include "lua/state.hpp"

// Functions that take a host name: a look-up, for which a thread waits, and then some work that does not wait.
//
// What is to be done with the addresses is a `Work`: an object without a destructor that has
//   - a type `outcome`, without one either,
//   - `outcome run(result<std::vector<address>>&& found)`, which knows no Lua,
//   - `static int push(lua_State* L, state&, int object, const outcome&)`, which pushes the results of the function; the
//     first argument of that is at `object`.
namespace copas::lua {

/// A request as it lies on the stack.
struct request_words {
  const char* host = nullptr;  ///< none if there is none; an empty text names no host, as in LuaSocket
  const char* service = nullptr;
  family wanted = family::unspecified;
  address_use use = address_use::connecting;
  transport by = transport::stream;

  [[nodiscard]] bool names_nobody() const noexcept { return host != nullptr && *host == '\0'; }
  [[nodiscard]] lookup_request request() const { return {host == nullptr ? "" : host, service, wanted, use, by}; }
};

/// The error of a host that has no name.
[[nodiscard]] inline std::error_code nobody() noexcept { return {EAI_NONAME, resolver_category()}; }

/// A thread's wait for a look-up, with the work that follows.
template <class Work>
class lookup_then final : public address_lookup {
 public:
  /// @param kept  where the first argument of the function is anchored.
  lookup_then(scheduler& owner, const request_words& what, const Work& work, anchors::index kept)
      : address_lookup{owner.shared().names().of(owner), what.request()}, owner_{owner}, work_{work}, kept_{kept} {}
  ~lookup_then() override {
    if (kept_ != anchors::none) owner_.anchored().release(kept_);
  }

  [[nodiscard]] Work& work() noexcept { return work_; }
  /// Leaves the anchor to the caller.
  [[nodiscard]] anchors::index take_anchor() noexcept { return std::exchange(kept_, anchors::none); }

 private:
  scheduler& owner_;
  Work work_;
  anchors::index kept_;
};

template <class Work>
struct conversion<lookup_then<Work>> {
  struct outcome {
    typename Work::outcome of_work;
    anchors::index kept;
  };
  static outcome take(scheduler&, lookup_then<Work>& op) {
    const typename Work::outcome of_work = op.work().run(op.await_resume());
    return {of_work, op.take_anchor()};
  }
  static int push(lua_State* L, scheduler& owner, const outcome& ended) {
    owner.anchored().push(L, ended.kept);
    owner.anchored().release(ended.kept);
    const int object = lua_gettop(L);
    const int count = Work::push(L, owner.shared(), object, ended.of_work);
    lua_remove(L, object);
    return count;
  }
};

/// How a thread waits for a look-up.
struct lookup_wait {
  std::chrono::nanoseconds timeout = unlimited;
  int text = 0;  ///< where a string is on the stack that the work points into
};

/// Looks a host up and does the work with its addresses: the end of a C function whose first argument is an object that the
/// work may refer to. A thread waits for the look-up, if it can.
template <class Work>
int with_addresses(lua_State* L, const request_words& what, lookup_wait wait, Work work) {
  state& shared = state::of(L);
  names& lookups = shared.names();
  typename Work::outcome done{};
  bool over = false;
  thread* const self = thread_to_wait(L);
  if (what.names_nobody()) {
    done = work.run(std::unexpected{nobody()});
    over = true;
  } else {
    resolver& by = self != nullptr ? lookups.of(self->owner()) : lookups.blocking();
    if (auto known = by.known(what.request())) {
      done = work.run(std::move(*known));
      over = true;
    }
  }
  if (over) return Work::push(L, shared, 1, done);
  lookups.load_engine(L);
  if (self != nullptr) {
    anchors& anchored = self->owner().anchored();
    const anchors::index kept = anchored.reserve();
    anchored.set(L, kept, 1);
    return self->await_for<lookup_then<Work>>(L, wait.timeout, {.socket = 1, .text = wait.text}, self->owner(), what,
                                              work, kept);
  }
  done = work.run(look_up_blocking(lookups.blocking(), what.request(), wait.timeout));
  return Work::push(L, shared, 1, done);
}

}  // namespace copas::lua
