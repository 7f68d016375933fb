#include "lua/timeouts.hpp"

#include <new>

#include "lua/scheduler.hpp"

namespace copas::lua {

// A pending timeout. The anchor's field for a thread is the coroutine, that for a socket the callback.
class timeouts::timeout final : public wait_node, public pooled {
 public:
  timeout(timeouts& all, const lua_State* whose, anchors::index kept) noexcept
      : coroutine{whose}, anchor{kept}, all_{all} {}

  void begin(loop& home, deadline until) {
    park_in_background(home,
                       {[](void* self) {
                          auto& due = *static_cast<timeout*>(self);
                          due.all_.fire(due);
                        },
                        this},
                       until);
  }

  const lua_State* const coroutine;
  const anchors::index anchor;

 private:
  timeouts& all_;
};

timeouts::timeouts(scheduler& owner) : owner_{owner} {}
timeouts::~timeouts() = default;

void timeouts::set(lua_State* L, int coroutine, int callback, std::chrono::nanoseconds delay) {
  const lua_State* const whose = lua_tothread(L, coroutine);
  anchors& kept = owner_.anchored();
  const anchors::index anchor = kept.reserve(L);
  kept.set(L, anchor, anchors::thread, coroutine);
  kept.set(L, anchor, anchors::socket, callback);
  try {
    auto& added = pending_[whose] = std::make_unique<timeout>(*this, whose, anchor);
    added->begin(owner_.loop(), owner_.loop().io().after(delay));
  } catch (const std::bad_alloc&) {
    kept.release(anchor);
    throw;
  }
}

void timeouts::cancel(const lua_State* coroutine) {
  const auto found = pending_.find(coroutine);
  if (found == pending_.end()) return;
  const anchors::index anchor = found->second->anchor;
  pending_.erase(found);
  owner_.anchored().release(anchor);
}

void timeouts::clear() {
  while (!pending_.empty()) cancel(pending_.begin()->first);
}

void timeouts::fire(timeout& due) {
  lua_State* const L = owner_.lua();
  const anchors::index anchor = due.anchor;
  pending_.erase(due.coroutine);
  owner_.anchored().push(L, anchor, anchors::socket);
  owner_.anchored().push(L, anchor, anchors::thread);
  owner_.anchored().release(anchor);
  owner_.run_timeout(L);
}

}  // namespace copas::lua
