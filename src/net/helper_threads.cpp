#include "net/helper_threads.hpp"

#include <signal.h>

#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace copas {
namespace {

constexpr int most_threads = 16;

// Signals are for the thread that runs the loop, so a thread is born with all of them blocked.
class signals_blocked {
 public:
  signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

struct helper_threads::shared {
  struct errand {
    std::move_only_function<void()> work;
    posted_jobs::prepared done;  // beforehand: in the thread it could only fail
  };

  std::mutex guard;  // of everything below
  loop* home = nullptr;  // null when the owner is gone
  std::deque<errand> errands;
  int threads = 0;
};

helper_threads::helper_threads(loop& home) : shared_{std::make_shared<shared>()} { shared_->home = &home; }

helper_threads::~helper_threads() {
  const std::scoped_lock lock{shared_->guard};
  shared_->home = nullptr;
  shared_->errands.clear();
}

void helper_threads::run(std::move_only_function<void()> work, posted_jobs::job done) {
  posted_jobs::prepared prepared;
  prepared.push_back(std::move(done));
  const std::scoped_lock lock{shared_->guard};
  shared_->errands.push_back({std::move(work), std::move(prepared)});
  if (shared_->threads >= most_threads) return;
  const signals_blocked here;
  try {
    std::thread{[with = shared_] { help(with); }}.detach();
    ++shared_->threads;
  } catch (const std::exception&) {
    if (shared_->threads > 0) return;  // one of those will do it
    shared_->errands.pop_back();
    throw;
  }
}

void helper_threads::help(const std::shared_ptr<shared>& with) noexcept {
  std::unique_lock lock{with->guard};
  while (!with->errands.empty()) {
    shared::errand next = std::move(with->errands.front());
    with->errands.pop_front();
    lock.unlock();
    next.work();
    next.work = nullptr;
    lock.lock();
    // Under the lock, so that the loop does not end meanwhile.
    if (with->home != nullptr) with->home->post(std::move(next.done));
  }
  --with->threads;
}

}  // namespace copas
