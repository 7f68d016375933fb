#include "copas/core/scope.hpp"

#include <exception>
#include <memory>
#include <utility>

#include "copas/core/frame_pool.hpp"

namespace copas {
namespace {

// What is at the bottom of every spawned task.
class spawned_task : public task_record, public detail::task_owner, public pooled {
 public:
  spawned_task(loop& home, task<void> body, std::string&& name, const std::source_location& where)
      : task_record{home},
        name_{name.empty() ? nullptr : std::make_unique<std::string>(std::move(name))},
        where_{where},
        body_{std::move(body)} {
    home.schedule(*this);
  }

  [[nodiscard]] std::string name() const override { return name_ ? *name_ : std::string{}; }
  [[nodiscard]] std::string origin() const override {
    return std::string{where_.file_name()} + ":" + std::to_string(where_.line());
  }
  void destroy() override { delete this; }

 private:
  void begin() override { body_.start(*this); }

  // It is still running, so that it goes when it has given control back to the loop.
  void on_end(const std::exception_ptr& error) noexcept override {
    if (error) home().report(error, *this);
    cancel();
  }

  std::unique_ptr<std::string> name_;  // few have one
  std::source_location where_;
  task<void> body_;
};

class task_of_scope final : public spawned_task {
 public:
  using spawned_task::spawned_task;
  detail::scope_member member{*this};
};

}  // namespace

void loop::spawn(task<void> body, std::string name, std::source_location where) {
  new spawned_task{*this, std::move(body), std::move(name), where};
}

void scope::spawn(task<void> body, std::string name, std::source_location where) {
  detail::scope_member& member = (new task_of_scope{home_, std::move(body), std::move(name), where})->member;
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
