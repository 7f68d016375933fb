// What must hold between two turns: every waiter is in exactly one place. Debug builds check it after each turn.

#include <cstddef>

#include "copas/core/loop.hpp"

namespace copas {
namespace {

constexpr std::size_t most_examined = 1000;  // elements of each list, so that a turn of a large loop stays affordable

template <class Element, class Link, class Predicate>
bool first_ones(const list<Element, Link>& elements, Predicate holds) {
  std::size_t examined = 0;
  bool all = true;
  elements.for_each([&](const Element& each) {
    if (examined++ < most_examined) all = all && holds(each);
  });
  return all;
}

}  // namespace

bool loop::consistent() const {
  const auto is_woken = [](const wait_node& node) { return node.woken() && !node.has_timer(); };
  const auto may_run = [is_woken](const queued& next) {
    return is_new(next) || is_woken(static_cast<const wait_node&>(next));
  };
  const auto is_parked = [](const wait_node& node) { return node.parked(); };
  const auto knows_its_wait = [](const task_record& task) {
    const wait_node* const operation = task.waiting_on();
    return task.running() || operation == nullptr || (operation->parked() && operation->task() == &task);
  };
  return first_ones(ready_, may_run) && first_ones(running_, may_run) && first_ones(readers_, may_run) &&
         first_ones(writers_, may_run) && first_ones(next_turn_, is_woken) && first_ones(starved_, is_parked) &&
         first_ones(tasks_, knows_its_wait) &&
         parked(wait_kind::time) + parked(wait_kind::background) <= timers_.size();
}

}  // namespace copas
