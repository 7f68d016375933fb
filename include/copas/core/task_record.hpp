#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "copas/core/wait_list.hpp"

namespace copas {

/// Hears of the end of a task, once: a lock that the task holds, for one.
///
/// It watches one task at a time, from `task_record::watch` until the task ends, or until it is unlinked or destroyed.
class task_watch : public list_link {
 public:
  /// The task has ended; its address may be that of another one soon.
  virtual void on_task_end() noexcept = 0;

 protected:
  ~task_watch() = default;
};

/// The place of a task among all of its loop.
class task_link : public list_link {};

/// What a loop knows of one task, in C++ or Lua: the one place to ask what it is called, where it comes from and what
/// it waits for. Kept up to date by two stores when the task parks.
class task_record : public queued, public task_link {
 public:
  task_record(const task_record&) = delete;
  task_record& operator=(const task_record&) = delete;

  /// What its owner called it.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Where it was started, as "file:line".
  [[nodiscard]] virtual std::string origin() const = 0;

  /// The operation it waits for; null while it runs.
  [[nodiscard]] const wait_node* waiting_on() const noexcept { return waiting_on_; }
  /// When it began to wait, precise to the turn of the loop.
  [[nodiscard]] deadline waiting_since() const noexcept { return since_; }
  /// What it does while it waits, or did when it waited last, such as "receiving"; empty if it has not waited yet.
  [[nodiscard]] std::string_view last_wait() const noexcept { return last_wait_; }
  [[nodiscard]] bool running() const noexcept { return running_; }

  /// Tells `watching` when the task ends.
  void watch(task_watch& watching) noexcept { watches_.push_back(watching); }

  /// Ends the task: at once if it waits, at its next wait if it runs (or is up the stack of what runs).
  void cancel();

  /// To be called at the end of what a task does: it goes when control is back in the loop.
  /// @param error  the exception that ended it, for the loop's error handler; null if none did.
  void body_ended(const std::exception_ptr& error) noexcept {
    cancelled_ = true;
    if (error) [[unlikely]]
      report(error);
  }

 protected:
  explicit task_record(loop& home) noexcept;
  virtual ~task_record();

  [[nodiscard]] loop& home() const noexcept { return home_; }

  /// Its first turn, after it was scheduled.
  virtual void begin() = 0;

  /// Frees the task, which is not running; the record is gone afterwards.
  virtual void destroy() = 0;

  /// Its operation has been woken. Called only from `hear_of_wake(true)` on.
  virtual void on_wake() noexcept {}
  void hear_of_wake(bool wanted) noexcept { wants_wake_ = wanted; }

 private:
  friend class loop;
  friend class wait_node;
  [[gnu::cold]] void report(const std::exception_ptr& error) noexcept;
  void end();

  loop& home_;
  const wait_node* waiting_on_ = nullptr;
  const char* last_wait_ = "";  // a literal: half the size of a view
  deadline since_;
  bool running_ = false;
  bool cancelled_ = false;
  bool wants_wake_ = false;
  list<task_watch> watches_;
};

/// All tasks of a loop, in the order they were made.
using task_list = list<task_record, task_link>;

}  // namespace copas
