// Thousands of random operations on a lock, each compared with a model that is too simple to be wrong.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/sync/event.hpp"
#include "copas/sync/lock.hpp"
#include "support/outcome.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using copas::testing::error_of;
using namespace std::chrono_literals;
using outcomes = std::vector<std::pair<int, std::error_code>>;

constexpr int nobody = -1;
constexpr int outside = 0;  // of tasks

struct command {
  enum class kind : std::uint8_t { get, try_get, release, end, fail };
  kind what = kind::get;
  deadline until = never;
  bool keeps_guard = false;
};

// What tasks, which do as they are told, should see.
class lock_model {
 public:
  explicit lock_model(bool reentrant) noexcept : reentrant_{reentrant} {}

  void spawn(int id) {
    tasks_[id] = {};
    wake(id, state::starting);
  }

  void tell(int id, const command& order) {
    tasks_[id].order = order;
    wake(id, state::told);
  }

  void cancel(int id) {
    std::erase(ready_, id);
    end(id);
  }

  std::error_code try_get(int id) {
    if (destroyed_) return errc::destroyed;
    if (owner_ == id && depth_ > 0 && reentrant_) {
      ++depth_;
      return {};
    }
    if (owner_ != nobody || granted_ != nobody) return errc::timed_out;
    owner_ = id;
    depth_ = 1;
    return {};
  }

  std::error_code release(int id) {
    if (destroyed_) return errc::destroyed;
    if (owner_ != id) return errc::not_owner;
    if (--depth_ == 0) pass_on();
    return {};
  }

  void destroy() {
    destroyed_ = true;
    for (const int id : waiting_) wake(id, state::destroyed);
    waiting_.clear();
    if (granted_ != nobody) tasks_[std::exchange(granted_, nobody)].is = state::destroyed;
  }

  void replace(bool reentrant) {
    destroy();
    destroyed_ = false;
    reentrant_ = reentrant;
    owner_ = nobody;
  }

  void turn(deadline now) {
    std::multimap<deadline, int> due;
    for (const int id : waiting_) {
      const deadline until = tasks_[id].order.until;
      if (!tasks_[id].woken && until <= now) due.emplace(until, id);
    }
    for (const auto& [until, id] : due) wake(id, state::waiting);

    for (const int id : std::exchange(ready_, {})) run(id);
  }

  [[nodiscard]] std::vector<int> alive() const {
    std::vector<int> ids;
    for (const auto& [id, each] : tasks_) ids.push_back(id);
    return ids;
  }
  [[nodiscard]] bool idle(int id) const { return tasks_.at(id).is == state::idle; }
  [[nodiscard]] bool anybody_has_guards() const {
    return std::ranges::any_of(tasks_, [](const auto& each) { return each.second.guards > 0; });
  }
  [[nodiscard]] bool destroyed() const { return destroyed_; }

  outcomes log;

 private:
  enum class state : std::uint8_t { starting, idle, told, waiting, granted, destroyed };
  struct task {
    command order;
    state is = state::starting;
    bool woken = false;
    int guards = 0;
  };

  void wake(int id, state why) {
    task& woken = tasks_[id];
    woken.is = why;
    if (!std::exchange(woken.woken, true)) ready_.push_back(id);
  }

  void pass_on() {
    owner_ = granted_ = nobody;
    if (destroyed_ || waiting_.empty()) return;
    granted_ = waiting_.front();
    waiting_.pop_front();
    wake(granted_, state::granted);
  }

  void end(int id) {
    tasks_.erase(id);
    std::erase(waiting_, id);
    if (owner_ == id || granted_ == id) pass_on();
  }

  void got(int id, const std::error_code& error) {
    log.emplace_back(id, error);
    if (!error && tasks_[id].order.keeps_guard) ++tasks_[id].guards;
  }

  void run(int id) {
    task& running = tasks_[id];
    running.woken = false;
    switch (std::exchange(running.is, state::idle)) {
      case state::starting:
      case state::idle: break;
      case state::told: obey(id); break;
      case state::waiting:
        std::erase(waiting_, id);
        got(id, errc::timed_out);
        break;
      case state::granted:
        owner_ = std::exchange(granted_, nobody);
        depth_ = 1;
        got(id, {});
        break;
      case state::destroyed: got(id, errc::destroyed); break;
    }
  }

  void obey(int id) {
    task& running = tasks_[id];
    switch (running.order.what) {
      case command::kind::get: {
        const std::error_code error = try_get(id);
        if (error != errc::timed_out) return got(id, error);
        running.is = state::waiting;
        waiting_.push_back(id);
        break;
      }
      case command::kind::try_get: got(id, try_get(id)); break;
      case command::kind::release:
        if (running.guards > 0) {
          --running.guards;
          static_cast<void>(release(id));
        } else {
          log.emplace_back(id, release(id));
        }
        break;
      case command::kind::end:
      case command::kind::fail: end(id); break;
    }
  }

  bool reentrant_;
  bool destroyed_ = false;
  int owner_ = nobody;
  int granted_ = nobody;
  int depth_ = 0;
  std::map<int, task> tasks_;
  std::deque<int> waiting_;
  std::vector<int> ready_;
};

class StressLockModel : public copas::testing::virtual_loop_test, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::size_t few = 12;

  struct actor {
    explicit actor(loop& home) : told{home}, owner{home} {}
    event told;
    command order;
    scope owner;  // of the task
  };

  StressLockModel() {
    events.on_error([](const std::exception_ptr&, const task_record&) {});
  }

  int any(int from, int to) { return std::uniform_int_distribution{from, to}(random_); }
  task<> act(int id, actor& self) {
    std::vector<lock::guard> guards;
    const auto got = [&](result<lock::guard> held) {
      log_.emplace_back(id, error_of(held));
      if (!held) return;
      if (self.order.keeps_guard) {
        guards.push_back(*std::move(held));
      } else {
        held->detach();
      }
    };
    for (;;) {
      co_await self.told.wait();
      self.told.reset();
      switch (self.order.what) {
        case command::kind::get: got(co_await door_->get(self.order.until)); break;
        case command::kind::try_get: got(door_->try_get()); break;
        case command::kind::release:
          if (guards.empty()) {
            log_.emplace_back(id, error_of(door_->release(events.current())));
          } else {
            guards.pop_back();
          }
          break;
        case command::kind::end: co_return;
        case command::kind::fail: throw std::runtime_error{"as it was told"};
      }
    }
  }

  void spawn() {
    if (actors_.size() - ended() >= few) return;
    actor& added = *actors_.emplace(++last_id_, std::make_unique<actor>(events)).first->second;
    added.owner.spawn(act(last_id_, added));
    expected_.spawn(last_id_);
  }
  [[nodiscard]] std::size_t ended() const { return actors_.size() - expected_.alive().size(); }

  int anybody() {
    const std::vector<int> alive = expected_.alive();
    return alive.empty() ? nobody : alive[static_cast<std::size_t>(any(0, static_cast<int>(alive.size()) - 1))];
  }

  void tell() {
    const int id = anybody();
    if (id == nobody || !expected_.idle(id)) return;
    using enum command::kind;
    constexpr std::array kinds{get, get, get, get, try_get, release, release, release, release, end, fail};
    const command order{.what = kinds[static_cast<std::size_t>(any(0, kinds.size() - 1))],
                        .until = any(0, 1) == 0 ? never : in(any(0, 4) * 1ms),
                        .keeps_guard = any(0, 1) == 0};
    actors_[id]->order = order;
    actors_[id]->told.set();
    expected_.tell(id, order);
  }

  void cancel() {
    const int id = anybody();
    if (id == nobody) return;
    expected_.cancel(id);
    actors_.erase(id);
  }

  void use_from_outside() {
    if (any(0, 2) == 0) {
      auto held = door_->try_get();
      EXPECT_EQ(error_of(held), expected_.try_get(outside));
      if (held) held->detach();
    } else {
      EXPECT_EQ(error_of(door_->release(nullptr)), expected_.release(outside));
    }
  }

  void replace() {
    if (expected_.anybody_has_guards()) return;
    const bool reentrant = any(0, 2) > 0;
    door_.emplace(events, reentrant ? lock::reentry::allowed : lock::reentry::waits);
    expected_.replace(reentrant);
  }

  void step() {
    const int which = any(0, 199);
    if (which < 20) {
      spawn();
    } else if (which < 80) {
      tell();
    } else if (which < 88) {
      cancel();
    } else if (which < 98) {
      use_from_outside();
    } else if (which < 118) {
      system.advance(any(0, 2) * 1ms);
    } else if (which < 196) {
      poll();
      expected_.turn(system.now());
    } else if (which == 196) {
      door_->destroy();
      expected_.destroy();
    } else {
      replace();
    }
  }

  std::mt19937 random_{GetParam()};
  std::optional<lock> door_{std::in_place, events};
  lock_model expected_{true};
  std::map<int, std::unique_ptr<actor>> actors_;
  outcomes log_;
  int last_id_ = outside;
};

TEST_P(StressLockModel, DoesAsTheModel) {
  for (int number = 0; number < 10000; ++number) {
    SCOPED_TRACE(number);
    step();
    ASSERT_EQ(door_->destroyed(), expected_.destroyed());
    ASSERT_EQ(log_, expected_.log);
    if (HasNonfatalFailure()) return;
    if (number % 50 == 0) log_.clear(), expected_.log.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StressLockModel, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace copas
