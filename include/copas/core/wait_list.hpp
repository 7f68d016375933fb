#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "copas/core/awaitable.hpp"
#include "copas/core/deadline.hpp"
#include "copas/core/timers.hpp"

namespace copas {

class loop;
class task_record;

/// Why a waiter goes on.
enum class wake_reason : std::uint8_t {
  none,       ///< it has not been woken
  event,      ///< what it waited for came
  timed_out,  ///< its deadline passed
  closed,     ///< what it waited on is gone
};

/// What a parked operation depends on: whether it keeps a loop running, and what a report calls it.
enum class wait_kind : std::uint8_t {
  signal,      ///< another task; unless it has a deadline, nothing outside can end the wait: it keeps no loop alive
  time,        ///< a point in time, and nothing else
  read,        ///< a descriptor to read from or to accept on
  write,       ///< a descriptor to write to
  background,  ///< a point in time at which something is done that is not worth keeping a loop alive for
};
inline constexpr std::size_t wait_kinds = 5;

/// Links of a circular list; an element of its own is a list without elements.
class list_link {
 public:
  list_link() = default;
  list_link(const list_link&) = delete;
  list_link& operator=(const list_link&) = delete;
  ~list_link() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next_ != this; }

  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 protected:
  template <class, class>
  friend class list;

  void link_before(list_link& position) noexcept {
    previous_ = position.previous_;
    next_ = &position;
    position.previous_->next_ = this;
    position.previous_ = this;
  }

  list_link* previous_ = this;
  list_link* next_ = this;
};

/// A FIFO of elements that carry their own links, so that adding one allocates nothing and leaving takes constant time.
///
/// Destroying the list unlinks what is in it, and destroying an element takes it out: either may go first.
///
/// @tparam Link  the base of the elements that this list uses; one of its own for each list they are in at the same time.
template <class Element, class Link = list_link>
class list {
 public:
  list() = default;
  list(const list&) = delete;
  list& operator=(const list&) = delete;
  ~list() {
    while (!empty()) sentinel_.next_->unlink();
  }

  [[nodiscard]] bool empty() const noexcept { return !sentinel_.linked(); }
  [[nodiscard]] Element& front() const noexcept { return element(*sentinel_.next_); }

  void push_back(Element& added) noexcept { link(added).link_before(sentinel_); }
  void push_front(Element& added) noexcept { link(added).link_before(*sentinel_.next_); }

  Element& pop_front() noexcept {
    Element& first = front();
    link(first).unlink();
    return first;
  }

  /// Moves all elements of `other` behind those of this list.
  void splice(list& other) noexcept {
    if (other.empty()) return;
    list_link* first = other.sentinel_.next_;
    list_link* last = other.sentinel_.previous_;
    other.sentinel_.previous_ = other.sentinel_.next_ = &other.sentinel_;
    first->previous_ = sentinel_.previous_;
    sentinel_.previous_->next_ = first;
    last->next_ = &sentinel_;
    sentinel_.previous_ = last;
  }

  /// Calls `visit` with each element, first to last; `visit` must not change the list.
  template <class Visitor>
  void for_each(Visitor visit) const {
    for (list_link* at = sentinel_.next_; at != &sentinel_; at = at->next_) visit(element(*at));
  }

 private:
  static Element& element(list_link& at) noexcept { return static_cast<Element&>(static_cast<Link&>(at)); }
  static list_link& link(Element& of) noexcept { return static_cast<Link&>(of); }

  list_link sentinel_;
};

/// What stands in one of the loop's lists until its turn comes: an operation that was woken, or a task that is new.
class queued : public list_link {
 protected:
  explicit queued(task_record* task) noexcept : task_{task} {}
  ~queued() = default;

 private:
  friend class loop;
  friend class wait_node;
  task_record* task_;  // whose turn it is; null if it is no task's
};

/// One waiting operation: the base of every awaitable.
///
/// A node is in exactly one place: parked (perhaps in a wait list, perhaps with a timer), woken (in one of the loop's
/// lists of what runs next), or nowhere. The first wake wins: it takes the node out of its list and its timer there
/// and then. Destroying a node withdraws it from wherever it is.
class wait_node : public queued, timer_hook {
 public:
  wait_node(const wait_node&) = delete;
  wait_node& operator=(const wait_node&) = delete;
  virtual ~wait_node() { leave(); }

  /// Is it waiting for something that has not happened?
  [[nodiscard]] bool parked() const noexcept { return state_ == state::parked; }
  /// Has it been woken, and not run since?
  [[nodiscard]] bool woken() const noexcept { return state_ == state::woken; }
  [[nodiscard]] wake_reason reason() const noexcept { return reason_; }
  [[nodiscard]] wait_kind kind() const noexcept { return kind_; }
  /// When the loop wakes it at the latest.
  [[nodiscard]] deadline until() const noexcept { return due(); }
  [[nodiscard]] bool has_timer() const noexcept { return timer_hook::set(); }
  /// The task that waits; null if it is none.
  [[nodiscard]] const task_record* task() const noexcept { return task_; }

  /// What this operation does, for reports about tasks: a string literal, such as "receiving a line".
  [[nodiscard]] virtual std::string_view activity() const noexcept { return "waiting"; }

 protected:
  wait_node() noexcept : queued{nullptr} {}
  /// For a node that knows beforehand where it will wait, and until when.
  wait_node(loop* home, deadline until) noexcept : queued{nullptr}, home_{home} { due_ = until; }

  [[nodiscard]] loop* home() const noexcept { return home_; }
  /// Sets the deadline of a node that is not parked.
  void set_until(deadline until) noexcept { due_ = until; }

  /// As the other `park`, with the loop and the deadline that the node knows.
  void park(waiter who, wait_kind kind) noexcept;

  /// Notes who waits; the caller then links the node where its event will find it.
  ///
  /// @param until  when the loop wakes it at the latest, with `wake_reason::timed_out`.
  void park(loop& home, waiter who, wait_kind kind, deadline until) noexcept;

  /// Waits for a point in time on behalf of no task.
  void park_in_background(loop& home, waiter who, deadline until) noexcept;

  /// Waits for nothing but its turn: joins those that are ready.
  void queue_up(waiter who) noexcept;

  /// Parks again, for the same waiter and until the same deadline, in `advance`.
  void park_again() noexcept;

  /// Changes when the loop wakes it, while it is parked.
  void wake_at(deadline until) noexcept;

  /// Lets it resume another task than the one that runs now.
  void run_as(task_record& whose) noexcept;

  /// Leaves its wait list, its timer and the loop's lists; it is nowhere then.
  void leave() noexcept {
    if (state_ != state::idle) withdraw();
  }

  /// Called in its turn after it was woken: true resumes the waiter, false if the node parked again.
  virtual bool advance() { return true; }

 private:
  friend class loop;
  friend class task_record;
  enum class state : std::uint8_t { idle, parked, woken };

  void withdraw() noexcept;

  // The small ones first: they fit behind those of the timer.
  state state_ = state::idle;  // in no list and without a timer
  wake_reason reason_ = wake_reason::none;
  wait_kind kind_ = wait_kind::signal;
  loop* home_ = nullptr;
  waiter who_;
};

/// Operations waiting for the same thing, first come, first served.
using wait_list = list<wait_node>;

}  // namespace copas
