#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/task_record.hpp"
#include "copas/sync/semaphore.hpp"

namespace copas {

/// Something that one task at a time may hold; the others wait, first come, first served.
///
/// It belongs to the task that got it, and is released when that task ends, at the latest. Code that runs outside of
/// tasks counts as one task, which does not end.
class lock final : task_watch {
 public:
  class guard;
  class get_awaitable;

  /// What happens to the holder that gets the lock again.
  enum class reentry : std::uint8_t {
    allowed,  ///< it holds it once more, and has to release it as often
    waits,    ///< it waits, like anybody
  };

  /// @param home  the loop of the tasks that wait.
  explicit lock(loop& home, reentry again = reentry::allowed) noexcept : home_{home}, key_{home, 1, 1}, again_{again} {}
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;
  /// As `destroy`; guards must be gone.
  ~lock() = default;

  /// Waits until the running task may hold it.
  ///
  /// @return  what releases it; to be dropped before the task ends.
  /// @error errc::timed_out  `until` passed first.
  /// @error errc::destroyed  the lock is, or was while the task waited.
  [[nodiscard]] get_awaitable get(deadline until = never) noexcept;

  /// Gets it if that is possible without waiting.
  /// @error errc::timed_out  it is not.
  /// @error errc::destroyed  the lock is.
  [[nodiscard]] result<guard> try_get() noexcept;
  /// @param who  the task that is to hold it; null for whoever is outside of tasks.
  [[nodiscard]] result<guard> try_get(task_record* who) noexcept;

  /// Releases it once, for who does without a guard. The one who waited longest holds it from then on.
  ///
  /// @param who  the running task; null outside of tasks.
  /// @error errc::not_owner  `who` does not hold it.
  /// @error errc::destroyed  the lock is.
  result<void> release(task_record* who) noexcept;

  /// Ends all waits with `errc::destroyed`, and those that begin later; that of the task, too, to which the lock is on its
  /// way. Repeating this does nothing.
  void destroy() noexcept { key_.destroy(); }
  [[nodiscard]] bool destroyed() const noexcept { return key_.destroyed(); }

 private:
  [[nodiscard]] bool held_by(const task_record* who) const noexcept {
    return depth_ > 0 && owner_ == who && !destroyed();
  }
  bool reenter(task_record* who) noexcept;
  void belong_to(task_record* who) noexcept;
  void let_go() noexcept;
  void give_up() noexcept;
  void on_task_end() noexcept override { give_up(); }

  loop& home_;
  semaphore key_;
  task_record* owner_ = nullptr;
  std::size_t depth_ = 0;  // how often the owner holds it; 0: nobody does, though the key may be on its way to somebody
  reentry again_;
};

/// Holds a lock, and releases it when it goes.
class [[nodiscard]] lock::guard {
 public:
  guard(guard&& other) noexcept : held_{std::exchange(other.held_, nullptr)}, owner_{other.owner_} {}
  /// Releases what it held before.
  guard& operator=(guard&& other) noexcept {
    release();
    held_ = std::exchange(other.held_, nullptr);
    owner_ = other.owner_;
    return *this;
  }
  ~guard() { release(); }

  /// Releases the lock now.
  void release() noexcept {
    lock* const held = std::exchange(held_, nullptr);
    if (held != nullptr && held->held_by(owner_)) held->let_go();
  }
  /// Leaves the release to `lock::release`.
  void detach() noexcept { held_ = nullptr; }

 private:
  friend class lock;
  guard(lock& held, task_record* owner) noexcept : held_{&held}, owner_{owner} {}

  lock* held_;  // null once it is released
  task_record* owner_;
};

class [[nodiscard]] lock::get_awaitable : public semaphore::take_awaitable {
 public:
  /// @param home  the loop of the task that waits.
  /// @param who   that task; null for whoever is outside of tasks.
  get_awaitable(lock& wanted, loop& home, task_record* who, deadline until) noexcept
      : take_awaitable{wanted.key_, home, 1, until}, lock_{wanted}, who_{who} {}

  bool await_ready() noexcept {
    reentered_ = lock_.reenter(who_);
    return reentered_ || take_awaitable::await_ready();
  }
  result<guard> await_resume() noexcept;

  [[nodiscard]] std::string_view activity() const noexcept override { return "getting a lock"; }

 private:
  lock& lock_;
  task_record* who_;
  bool reentered_ = false;
};

inline lock::get_awaitable lock::get(deadline until) noexcept { return {*this, home_, home_.current(), until}; }
inline result<lock::guard> lock::try_get() noexcept { return try_get(home_.current()); }

}  // namespace copas
