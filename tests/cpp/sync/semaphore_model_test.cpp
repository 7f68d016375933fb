// Thousands of random operations on a semaphore, each compared with a model that is too simple to be wrong: tables and
// lists that are searched from end to end.

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/sync/semaphore.hpp"
#include "support/outcome.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using copas::testing::error_of;
using namespace std::chrono_literals;
using count = semaphore::count;
using outcomes = std::vector<std::pair<int, std::error_code>>;

struct demand {
  count units;
  deadline until;
  count given_back;  // by the task, as soon as it has the units
};

// What tasks, each of which takes units once, should see.
class semaphore_model {
 public:
  explicit semaphore_model(count most) noexcept : most_{most} {}

  void spawn(int id, const demand& wanted) {
    tasks_[id] = {.wanted = wanted};
    ready_.push_back(id);
  }

  void cancel(int id) {
    std::erase(ready_, id);
    const task gone = tasks_.extract(id).mapped();
    if (gone.is == state::waiting) {
      std::erase(waiting_, id);
      serve();
    } else if (gone.is == state::granted) {
      give(gone.wanted.units);
    }
  }

  std::error_code try_take(count units) {
    if (destroyed_) return errc::destroyed;
    if (waiting_.empty() && units <= free_) {
      free_ -= units;
      return {};
    }
    return units > most_ ? errc::too_many : errc::timed_out;
  }

  bool give(count units) {
    if (destroyed_) return false;
    const bool fits = free_ + units <= most_;
    free_ = fits ? free_ + units : most_;
    serve();
    return fits;
  }

  void destroy() {
    destroyed_ = true;
    for (const int id : waiting_) wake(id, state::destroyed);
    waiting_.clear();
    for (auto& [id, each] : tasks_) {
      if (each.is == state::granted) each.is = state::destroyed;
    }
  }

  void replace(count most) {
    destroy();
    destroyed_ = false;
    free_ = 0;
    most_ = most;
  }

  void turn(deadline now) {
    std::multimap<deadline, int> due;
    for (const int id : waiting_) {
      const deadline until = tasks_[id].wanted.until;
      if (!tasks_[id].woken && until <= now) due.emplace(until, id);
    }
    for (const auto& [until, id] : due) wake(id, state::waiting);

    for (const int id : std::exchange(ready_, {})) run(id);
  }

  [[nodiscard]] std::vector<int> alive() const {
    std::vector<int> ids;
    std::ranges::transform(tasks_, std::back_inserter(ids), &decltype(tasks_)::value_type::first);
    return ids;
  }
  [[nodiscard]] count available() const { return free_; }
  [[nodiscard]] count wanted() const {
    count sum = 0;
    for (const int id : waiting_) sum += tasks_.at(id).wanted.units;
    return sum;
  }
  [[nodiscard]] bool destroyed() const { return destroyed_; }

  outcomes log;

 private:
  enum class state : std::uint8_t { starting, waiting, granted, destroyed };
  struct task {
    demand wanted{};
    state is = state::starting;
    bool woken = false;
  };

  void wake(int id, state why) {
    task& woken = tasks_[id];
    woken.is = why;
    if (!std::exchange(woken.woken, true)) ready_.push_back(id);
  }

  void serve() {
    while (!waiting_.empty() && tasks_[waiting_.front()].wanted.units <= free_) {
      const int first = waiting_.front();
      waiting_.pop_front();
      free_ -= tasks_[first].wanted.units;
      wake(first, state::granted);
    }
  }

  void run(int id) {
    task& running = tasks_[id];
    if (running.is == state::starting) {
      const std::error_code error = try_take(running.wanted.units);
      if (error != errc::timed_out) return end(id, error);
      running.is = state::waiting;
      waiting_.push_back(id);
    } else if (running.is == state::waiting) {
      std::erase(waiting_, id);
      serve();
      end(id, errc::timed_out);
    } else {
      end(id, running.is == state::granted ? std::error_code{} : errc::destroyed);
    }
  }

  void end(int id, const std::error_code& error) {
    log.emplace_back(id, error);
    const count back = tasks_[id].wanted.given_back;
    tasks_.erase(id);
    if (!error && back > 0) give(back);
  }

  count most_;
  count free_ = 0;
  bool destroyed_ = false;
  std::map<int, task> tasks_;
  std::deque<int> waiting_;
  std::vector<int> ready_;
};

class StressSemaphoreModel : public copas::testing::virtual_loop_test, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr count most_at_first = 6;

  count any(count from, count to) { return std::uniform_int_distribution<count>{from, to}(random_); }
  task<> take(int id, demand wanted) {
    const result<void> taken = co_await store_->take(wanted.units, wanted.until);
    log_.emplace_back(id, error_of(taken));
    if (taken && wanted.given_back > 0) store_->give(wanted.given_back);
  }

  void spawn() {
    const demand wanted{.units = any(0, most_at_first + 1),
                        .until = any(0, 1) == 0 ? never : in(any(0, 4) * 1ms),
                        .given_back = any(0, 2) == 0 ? any(1, 3) : 0};
    auto owner = std::make_unique<scope>(events);
    owner->spawn(take(++last_id_, wanted));
    scopes_[last_id_] = std::move(owner);
    expected_.spawn(last_id_, wanted);
  }

  void cancel() {
    const std::vector<int> alive = expected_.alive();
    if (alive.empty()) return;
    const int id = alive[static_cast<std::size_t>(any(0, std::ssize(alive) - 1))];
    expected_.cancel(id);
    scopes_.erase(id);
  }

  void replace() {
    const count most = any(1, 2 * most_at_first);
    store_.emplace(events, most);
    expected_.replace(most);
  }

  void step() {
    const count which = any(0, 99);
    if (which < 30) {
      spawn();
    } else if (which < 50) {
      const count units = any(0, 4);
      EXPECT_EQ(store_->give(units), expected_.give(units));
    } else if (which < 58) {
      const count units = any(0, most_at_first + 1);
      EXPECT_EQ(error_of(store_->try_take(units)), expected_.try_take(units));
    } else if (which < 68) {
      cancel();
    } else if (which < 78) {
      system.advance(any(0, 2) * 1ms);
    } else if (which < 98) {
      poll();
      expected_.turn(system.now());
    } else if (which == 98) {
      store_->destroy();
      expected_.destroy();
    } else {
      replace();
    }
  }

  void check() const {
    ASSERT_EQ(store_->available(), expected_.available());
    ASSERT_EQ(store_->wanted(), expected_.wanted());
    ASSERT_EQ(store_->destroyed(), expected_.destroyed());
    ASSERT_EQ(log_, expected_.log);
  }

  std::mt19937 random_{GetParam()};
  std::optional<semaphore> store_{std::in_place, events, most_at_first};
  semaphore_model expected_{most_at_first};
  std::map<int, std::unique_ptr<scope>> scopes_;
  outcomes log_;
  int last_id_ = 0;
};

TEST_P(StressSemaphoreModel, DoesAsTheModel) {
  for (int number = 0; number < 5000; ++number) {
    SCOPED_TRACE(number);
    step();
    check();
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    if (number % 50 == 0) log_.clear(), expected_.log.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StressSemaphoreModel, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace copas
