#pragma once

#include <cstddef>
#include <string_view>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/wait_list.hpp"

namespace copas {

/// A store of units, which tasks take and give back; who finds too few waits.
///
/// Strictly first come, first served: while somebody waits, nobody else gets anything, whatever is there.
class semaphore final {
 public:
  using count = std::ptrdiff_t;
  class take_awaitable;

  /// @param home   the loop of the tasks that wait.
  /// @param most   how many units it can have, 1 at least; what is given beyond that is lost.
  /// @param start  how many it has at first; may be more than `most`, or negative.
  semaphore(loop& home, count most, count start = 0) noexcept : home_{home}, most_{most}, free_{start} {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  /// As `destroy`.
  ~semaphore() { destroy(); }

  /// Takes units, waiting until there are enough and whoever came before has been served.
  ///
  /// @param units  0 at least; 0 waits for its turn only.
  /// @error errc::timed_out  `until` passed first.
  /// @error errc::too_many   they are not there, and never will be, for `units` is more than the semaphore can have.
  /// @error errc::destroyed  the semaphore is, or was while the task waited.
  [[nodiscard]] take_awaitable take(count units = 1, deadline until = never) noexcept;

  /// Takes units if that is possible without waiting.
  /// @error errc::timed_out  it is not: too few are there, or others wait.
  /// @error others           as `take`.
  [[nodiscard]] result<void> try_take(count units = 1) noexcept;

  /// Puts units back, and wakes those who have enough now.
  ///
  /// They have their units from this moment on. One that is destroyed before its turn passes them on.
  /// @return  false if not all of them fit: it was filled to its maximum before it served those who wait; or if it is
  ///          destroyed.
  bool give(count units = 1) noexcept;

  /// Ends all waits with `errc::destroyed`, and those that begin later; those, too, of tasks that have their units, but not
  /// had a turn since. Repeating this does nothing.
  void destroy() noexcept;
  [[nodiscard]] bool destroyed() const noexcept { return destroyed_; }

  /// Units in store.
  [[nodiscard]] count available() const noexcept { return free_; }
  /// Units that those who wait want, all together.
  [[nodiscard]] count wanted() const noexcept { return wanted_; }

 private:
  // A place in one of the lists below. In neither of them, a wait is over, or the semaphore is gone.
  class place : public list_link {};

  void enqueue(take_awaitable& added) noexcept;
  void dequeue(take_awaitable& removed) noexcept;
  void abandon(take_awaitable& left) noexcept;
  void serve() noexcept;

  loop& home_;
  list<place> waiting_;  // invariant: the first wants more than is free
  list<place> granted_;  // have their units, and have not run since
  count most_;
  count free_;
  count wanted_ = 0;
  bool destroyed_ = false;
};

class [[nodiscard]] semaphore::take_awaitable : public wait_node, place {
 public:
  /// @param home  the loop of the task that waits.
  take_awaitable(semaphore& from, loop& home, count units, deadline until) noexcept
      : wait_node{&home, until}, from_{from}, units_{units} {}
  ~take_awaitable() override {
    if (place::linked()) from_.abandon(*this);
  }

  bool await_ready() noexcept {
    outcome_ = from_.try_take(units_);
    return outcome_ || outcome_.error() != errc::timed_out;
  }
  void await_suspend(waiter who) noexcept {
    park(who, wait_kind::signal);
    from_.enqueue(*this);
  }
  result<void> await_resume() noexcept {
    place::unlink();
    return outcome_;
  }

  [[nodiscard]] std::string_view activity() const noexcept override { return "taking units of a semaphore"; }

 private:
  friend class semaphore;
  bool advance() noexcept override;
  void wake(wake_reason why) noexcept;

  semaphore& from_;
  count units_;
  result<void> outcome_;  // while it waits: that its time has passed
};

inline semaphore::take_awaitable semaphore::take(count units, deadline until) noexcept {
  return {*this, home_, units, until};
}

}  // namespace copas
