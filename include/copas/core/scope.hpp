#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/task.hpp"
#include "copas/core/wait_list.hpp"

namespace copas {

class scope;

namespace detail {

/// The place of a task among those of its scope; leaves it, and tells the scope, when the task ends.
class scope_member : public list_link {
 protected:
  scope_member() = default;
  ~scope_member();
  /// What the scope calls a member that has no name; empty once it was cancelled.
  [[nodiscard]] std::string common_name() const;

 private:
  friend class copas::scope;
  scope* owner_ = nullptr;
};

}  // namespace detail

/// Owns the tasks spawned in it: none outlives the scope.
///
/// Destroying a scope cancels the tasks that are still waiting. A task that runs just then (it is destroying the scope
/// itself) ends at its next wait.
class scope {
 public:
  class join_awaitable;

  /// @param members  what its tasks are called that get no name of their own.
  explicit scope(loop& home, std::string members = {}) noexcept : home_{home}, members_name_{std::move(members)} {}
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope();

  /// Starts a task as `loop::spawn` does.
  void spawn(task<void> body, std::source_location where = std::source_location::current());
  /// The same for a task with a name.
  void spawn(task<void> body, std::string name, std::source_location where = std::source_location::current());

  /// Cancels all tasks in the scope; their local variables are destroyed.
  void cancel();

  /// Waits until every task of the scope has ended.
  [[nodiscard]] join_awaitable join() noexcept;

  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }

 private:
  friend class detail::scope_member;
  void add(detail::scope_member& member) noexcept;
  void member_left() noexcept;

  loop& home_;
  std::string members_name_;
  list<detail::scope_member> members_;
  wait_list joining_;
};

class [[nodiscard]] scope::join_awaitable final : public wait_node {
 public:
  explicit join_awaitable(scope& awaited) noexcept : scope_{awaited} {}

  bool await_ready() const noexcept { return scope_.empty(); }
  void await_suspend(waiter who) noexcept {
    park(scope_.home_, who, wait_kind::signal, never);
    scope_.joining_.push_back(*this);
  }
  void await_resume() const noexcept {}

  [[nodiscard]] std::string_view activity() const noexcept override { return "joining a scope"; }

 private:
  scope& scope_;
};

inline scope::join_awaitable scope::join() noexcept { return join_awaitable{*this}; }

}  // namespace copas
