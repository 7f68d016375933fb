#include "copas/core/scope.hpp"

#include <exception>
#include <utility>

#include "copas/core/frame_pool.hpp"

namespace copas {
namespace {

// What is at the bottom of every spawned task.
class spawned_task final : public task_record, public detail::task_owner, public pooled {
 public:
  spawned_task(loop& home, task<void> body, std::string name, const std::source_location& where) noexcept
      : task_record{home},
        name_{std::move(name)},
        where_{where},
        first_turn_{home, {[](void* self) { static_cast<spawned_task*>(self)->run(); }, this}, *this},
        body_{std::move(body)} {
    home.schedule(first_turn_);
  }

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::string origin() const override {
    return std::string{where_.file_name()} + ":" + std::to_string(where_.line());
  }
  void destroy() override { delete this; }

  [[nodiscard]] detail::scope_member& member() noexcept { return member_; }

 private:
  void run() { body_.start(*this); }

  // It is still running, so that it goes when it has given control back to the loop.
  void on_end(const std::exception_ptr& error) noexcept override {
    if (error) home().report(error, *this);
    cancel();
  }

  std::string name_;
  std::source_location where_;
  detail::scope_member member_{*this};
  first_turn first_turn_;
  task<void> body_;
};

}  // namespace

void loop::spawn(task<void> body, std::string name, std::source_location where) {
  new spawned_task{*this, std::move(body), std::move(name), where};
}

void scope::spawn(task<void> body, std::string name, std::source_location where) {
  detail::scope_member& member = (new spawned_task{home_, std::move(body), std::move(name), where})->member();
  member.owner_ = this;
  members_.push_back(member);
}

scope::~scope() {
  do {
    cancel();
  } while (!members_.empty());  // what destructors of tasks have spawned
}

void scope::cancel() {
  list<detail::scope_member> cancelled;
  cancelled.splice(members_);
  cancelled.for_each([](detail::scope_member& each) { each.owner_ = nullptr; });
  member_left();
  while (!cancelled.empty()) cancelled.pop_front().task_.cancel();  // one of them may own the scope
}

void scope::member_left() noexcept {
  if (!members_.empty()) return;
  while (!joining_.empty()) home_.schedule(joining_.front());
}

detail::scope_member::~scope_member() {
  unlink();
  if (owner_ != nullptr) owner_->member_left();
}

}  // namespace copas
