#include "lua/timeouts.hpp"

#include <new>

#include "lua/scheduler.hpp"

namespace copas::lua {

// A pending timeout, and its anchored values.
class timeouts::timeout final : public wait_node, public pooled {
 public:
  /// @error std::bad_alloc
  timeout(timeouts& all, lua_State* L, int coroutine, int callback)
      : whose{lua_tothread(L, coroutine)}, all_{all}, coroutine_{kept().reserve()} {
    try {
      callback_ = kept().reserve();
    } catch (const std::bad_alloc&) {
      kept().release(coroutine_);
      throw;
    }
    kept().set(L, coroutine_, coroutine);
    kept().set(L, callback_, callback);
  }
  ~timeout() override {
    kept().release(coroutine_);
    kept().release(callback_);
  }

  void begin(loop& home, deadline until) {
    park_in_background(home,
                       {[](void* self) {
                          auto& due = *static_cast<timeout*>(self);
                          due.all_.fire(due);
                        },
                        this},
                       until);
  }

  void push_values(lua_State* L) const {
    kept().push(L, callback_);
    kept().push(L, coroutine_);
  }

  const lua_State* const whose;

 private:
  [[nodiscard]] anchors& kept() const noexcept { return all_.owner_.anchored(); }

  timeouts& all_;
  anchors::index coroutine_;
  anchors::index callback_ = anchors::none;
};

timeouts::timeouts(scheduler& owner) : owner_{owner} {}
timeouts::~timeouts() = default;

void timeouts::set(lua_State* L, int coroutine, int callback, std::chrono::nanoseconds delay) {
  auto added = std::make_unique<timeout>(*this, L, coroutine, callback);
  timeout& pending = *(pending_[added->whose] = std::move(added));
  pending.begin(owner_.loop(), owner_.loop().io().after(delay));
}

void timeouts::cancel(const lua_State* coroutine) { pending_.erase(coroutine); }

void timeouts::clear() { pending_.clear(); }

void timeouts::fire(timeout& due) {
  lua_State* const L = owner_.lua();
  due.push_values(L);
  pending_.erase(due.whose);
  owner_.run_timeout(L);
}

}  // namespace copas::lua
