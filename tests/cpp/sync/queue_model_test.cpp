// Random operations on a queue, compared after each step with a model that is too simple to be wrong.

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "copas/sync/queue.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1ms;

// What came of a pop: the item, or the text of the error.
using outcome = std::string;
outcome worded(const result<int>& popped) { return popped ? std::to_string(*popped) : popped.error().message(); }

struct ended_pop {
  int id;
  outcome what;
  bool operator==(const ended_pop&) const = default;
};
void PrintTo(const ended_pop& ended, std::ostream* out) { *out << ended.id << ": " << ended.what; }

// The queue as its documentation has it, by searching through lists.
class queue_model {
 public:
  outcome push(int item) {
    if (destroyed_) return "destroyed";
    if (stopping_) return "stopping";
    items_.push_back(item);
    serve();
    return "pushed";
  }

  // Nothing if it has to wait.
  std::optional<outcome> pop(int id, deadline until) {
    if (const outcome now = try_pop(); now != "timeout") return now;
    line_.push_back(id);
    pops_[id] = {.until = until, .order = ++orders_};
    return {};
  }

  outcome try_pop() {
    if (destroyed_) return "destroyed";
    if (!line_.empty() || items_.size() == granted_) return "timeout";
    return take();
  }

  void cancel(int id) {
    const bool granted = pops_.at(id).what == pop_state::granted;
    forget(id);
    std::erase(ready_, id);
    if (granted) --granted_;
    serve();
  }

  void stop() {
    if (destroyed_) return;
    stopping_ = true;
    if (items_.empty()) destroy();
  }

  void destroy() {
    destroyed_ = stopping_ = true;
    items_.clear();
    granted_ = 0;
    for (auto& [id, each] : pops_) {
      if (each.what == pop_state::granted) each.what = pop_state::destroyed;
    }
    for (const int id : std::exchange(line_, {})) wake(id, pop_state::destroyed);
  }

  void replace() {
    destroy();
    destroyed_ = stopping_ = false;
  }

  std::vector<ended_pop> turn(deadline now, const std::vector<int>& that_push) {
    std::vector<int> due;
    for (const auto& [id, each] : pops_) {
      if (each.what == pop_state::waiting && each.until <= now) due.push_back(id);
    }
    std::ranges::sort(due, {}, [this](int id) { return std::pair{pops_[id].until, pops_[id].order}; });
    for (const int id : due) wake(id, pop_state::expired);

    std::vector<ended_pop> ended;
    for (const int id : std::exchange(ready_, {})) {
      ended.push_back({id, end(id)});
      if (std::ranges::find(that_push, id) != that_push.end()) push(id);
    }
    return ended;
  }

  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] bool destroyed() const { return destroyed_; }

 private:
  enum class pop_state { waiting, granted, expired, destroyed };
  struct waiting_pop {
    deadline until;
    int order = 0;
    pop_state what = pop_state::waiting;
  };

  outcome take() {
    const int first = items_.front();
    items_.pop_front();
    if (stopping_ && items_.empty()) destroy();
    return std::to_string(first);
  }

  void serve() {
    while (!line_.empty() && items_.size() > granted_) {
      ++granted_;
      wake(line_.front(), pop_state::granted);
      line_.pop_front();
    }
  }

  void wake(int id, pop_state why) {
    waiting_pop& woken = pops_.at(id);
    if (woken.what == pop_state::waiting) ready_.push_back(id);
    woken.what = why;
  }

  outcome end(int id) {
    const pop_state how = pops_.at(id).what;
    forget(id);
    if (how == pop_state::destroyed) return "destroyed";
    if (how == pop_state::expired) return "timeout";
    --granted_;
    return take();
  }

  void forget(int id) {
    pops_.erase(id);
    std::erase(line_, id);
  }

  std::deque<int> items_;
  std::size_t granted_ = 0;
  std::deque<int> line_;  // who waits for an item
  std::deque<int> ready_;
  std::map<int, waiting_pop> pops_;
  int orders_ = 0;
  bool stopping_ = false;
  bool destroyed_ = false;
};

class QueueModel : public copas::testing::virtual_loop_test, public ::testing::WithParamInterface<unsigned> {
 protected:
  // One waiting pop of the real queue. Some push an item when they go on.
  struct popper {
    popper(QueueModel& test, int number, deadline until) : owner{test}, id{number}, pop{*test.tested, until} {}
    void went_on() {
      owner.ended.push_back({id, worded(pop.await_resume())});
      if (owner.pushes(id)) static_cast<void>(owner.tested->push(id));
      owner.poppers.erase(id);  // destroys this
    }
    QueueModel& owner;
    int id;
    queue<int>::pop_awaitable pop;
  };

  [[nodiscard]] static bool pushes(int id) { return id % 8 == 0; }
  int below(int limit) { return std::uniform_int_distribution{0, limit - 1}(random); }

  void step() {
    const int chance = below(16);
    if (chance < 5) return push();
    if (chance < 9) return pop();
    if (chance < 10) return try_pop();
    if (chance < 11) return cancel();
    if (chance < 15) return turn();
    end_somehow();
  }

  void push() {
    const auto pushed = tested->push(++last);
    ASSERT_EQ(pushed ? "pushed" : pushed.error().message(), expected.push(last));
  }

  void pop() {
    const int id = ++last;
    const deadline until = below(2) == 0 ? never : in(tick * (1 + below(4)));
    auto [at, added] = poppers.emplace(id, std::make_unique<popper>(*this, id, until));
    popper& made = *at->second;
    const std::optional<outcome> now = expected.pop(id, until);
    ASSERT_EQ(made.pop.await_ready(), now.has_value());
    if (now) {
      ASSERT_EQ(worded(made.pop.await_resume()), *now);
      poppers.erase(at);
    } else {
      made.pop.await_suspend({[](void* self) { static_cast<popper*>(self)->went_on(); }, &made});
    }
  }

  void try_pop() { ASSERT_EQ(worded(tested->try_pop()), expected.try_pop()); }

  void cancel() {
    if (poppers.empty()) return;
    const auto victim = std::next(poppers.begin(), below(static_cast<int>(poppers.size())));
    expected.cancel(victim->first);
    poppers.erase(victim);
  }

  void turn() {
    system.advance(tick);
    ended.clear();
    std::vector<int> that_push;
    for (const auto& [id, each] : poppers) {
      if (pushes(id)) that_push.push_back(id);
    }
    poll();
    ASSERT_EQ(ended, expected.turn(system.now(), that_push));
  }

  void end_somehow() {
    if (below(4) == 0 || expected.destroyed()) {
      expected.replace();
      tested.reset();
      tested.emplace(events);
    } else if (below(2) == 0) {
      expected.stop();
      tested->stop();
    } else if (below(4) == 0) {
      expected.destroy();
      tested->destroy();
    }
  }

  std::mt19937 random{GetParam()};
  std::optional<queue<int>> tested{std::in_place, events};
  queue_model expected;
  std::map<int, std::unique_ptr<popper>> poppers;
  std::vector<ended_pop> ended;
  int last = 0;
};

TEST_P(QueueModel, BehavesLikeTheModel) {
  for (int count = 0; count < 4000; ++count) {
    SCOPED_TRACE("step " + std::to_string(count));
    step();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_EQ(tested->size(), expected.size());
    ASSERT_EQ(tested->stopping(), expected.stopping());
    ASSERT_EQ(tested->destroyed(), expected.destroyed());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueueModel, ::testing::Range(1U, 21U));

}  // namespace
}  // namespace copas
