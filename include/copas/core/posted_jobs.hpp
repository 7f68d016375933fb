#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>

namespace copas {

/// What other threads want a loop's thread to do.
class posted_jobs {
 public:
  using job = std::move_only_function<void()>;
  /// Jobs that need no more memory to be added.
  using prepared = std::list<job>;

  /// May be called from any thread.
  /// @error  std::bad_alloc
  void add(job added);
  /// The same for jobs that were prepared before.
  void add(prepared&& added) noexcept;

  [[nodiscard]] bool empty() const noexcept { return !any_.load(); }

  /// Runs, in order, those that were there when it was called.
  /// @error  what one of them throws; those behind it run the next time.
  void run();

 private:
  std::atomic<bool> any_ = false;
  std::mutex guard_;  // of the jobs, the only thing that other threads touch
  prepared jobs_;
};

}  // namespace copas
