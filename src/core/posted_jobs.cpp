#include "copas/core/posted_jobs.hpp"

#include <utility>

namespace copas {

void posted_jobs::add(job added) {
  prepared one;
  one.push_back(std::move(added));
  add(std::move(one));
}

void posted_jobs::add(prepared&& added) noexcept {
  const std::scoped_lock guard{guard_};
  jobs_.splice(jobs_.end(), added);
  any_ = true;
}

void posted_jobs::run() {
  prepared due;
  {
    const std::scoped_lock guard{guard_};
    due.swap(jobs_);
    any_ = false;
  }
  while (!due.empty()) {
    job next = std::move(due.front());
    due.pop_front();
    try {
      next();
    } catch (...) {
      const std::scoped_lock guard{guard_};
      jobs_.splice(jobs_.begin(), due);
      any_ = !jobs_.empty();
      throw;
    }
  }
}

}  // namespace copas
