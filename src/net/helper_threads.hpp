#pragma once

#include <functional>
#include <memory>

#include "copas/core/loop.hpp"

namespace copas {

/// Threads that do what blocks, and hand the results to a loop.
///
/// They come when there is work and go when there is none. Nobody waits for one that is stuck: what it brings is dropped
/// when the owner is gone.
class helper_threads {
 public:
  explicit helper_threads(loop& home);
  helper_threads(const helper_threads&) = delete;
  helper_threads& operator=(const helper_threads&) = delete;
  ~helper_threads();

  /// Runs `work`, which does not throw, in a thread, and then `done` in the thread of the loop.
  ///
  /// @error std::system_error, std::bad_alloc  there can be no thread.
  void run(std::move_only_function<void()> work, posted_jobs::job done);

 private:
  struct shared;
  static void help(const std::shared_ptr<shared>& with) noexcept;

  std::shared_ptr<shared> shared_;
};

}  // namespace copas
