#include "copas/core/posted_jobs.hpp"

#include <iterator>
#include <utility>

namespace copas {

void posted_jobs::add(job added) {
  const std::scoped_lock guard{guard_};
  jobs_.push_back(std::move(added));
  any_ = true;
}

void posted_jobs::run() {
  std::vector<job> due;
  {
    const std::scoped_lock guard{guard_};
    due.swap(jobs_);
    any_ = false;
  }
  for (auto next = due.begin(); next != due.end(); ++next) {
    try {
      (*next)();
    } catch (...) {
      const std::scoped_lock guard{guard_};
      jobs_.insert(jobs_.begin(), std::move_iterator{next + 1}, std::move_iterator{due.end()});
      any_ = !jobs_.empty();
      throw;
    }
  }
}

}  // namespace copas
