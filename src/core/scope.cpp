#include "copas/core/scope.hpp"

#include <memory>
#include <new>
#include <utility>

#include "copas/core/frame_pool.hpp"

namespace copas {
namespace {

// What is at the bottom of every spawned task.
class spawned_task : public task_record, public pooled {
 public:
  spawned_task(loop& home, task<void> body, const std::source_location& where, std::unique_ptr<std::string> name = {})
      : task_record{home}, name_{std::move(name)}, where_{where}, body_{std::move(body)} {
    home.schedule(*this);
  }

  [[nodiscard]] std::string name() const override { return name_ ? *name_ : std::string{}; }
  [[nodiscard]] std::string origin() const override {
    return std::string{where_.file_name()} + ":" + std::to_string(where_.line());
  }
  void destroy() override { delete this; }

 protected:
  void call_it(std::string&& name) { name_ = std::make_unique<std::string>(std::move(name)); }

 private:
  void begin() override { body_.start(*this); }

  std::unique_ptr<std::string> name_;  // few have one
  std::source_location where_;
  task<void> body_;
};

class task_of_scope final : public spawned_task, public detail::scope_member {
 public:
  using spawned_task::spawned_task;

  [[nodiscard]] std::string name() const override {
    if (std::string own = spawned_task::name(); !own.empty()) return own;
    return common_name();
  }

  // It runs, so that it outlives its scope, and may fail: the report then has its name, unless there is no memory for it.
  void keep_name() noexcept {
    try {
      call_it(name());
    } catch (const std::bad_alloc&) {
      return;
    }
  }
};

}  // namespace

void loop::spawn(task<void> body, std::source_location where) { new spawned_task{*this, std::move(body), where}; }

void loop::spawn(task<void> body, std::string name, std::source_location where) {
  new spawned_task{*this, std::move(body), where, std::make_unique<std::string>(std::move(name))};
}

void scope::spawn(task<void> body, std::source_location where) {
  add(*new task_of_scope{home_, std::move(body), where});
}

void scope::spawn(task<void> body, std::string name, std::source_location where) {
  add(*new task_of_scope{home_, std::move(body), where, std::make_unique<std::string>(std::move(name))});
}

void scope::add(detail::scope_member& member) noexcept {
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
  cancelled.for_each([](detail::scope_member& each) {
    auto& member = static_cast<task_of_scope&>(each);
    if (member.running()) member.keep_name();
    each.owner_ = nullptr;
  });
  member_left();
  while (!cancelled.empty()) static_cast<task_of_scope&>(cancelled.pop_front()).cancel();  // one may own the scope
}

void scope::member_left() noexcept {
  if (!members_.empty()) return;
  while (!joining_.empty()) home_.schedule(joining_.front());
}

std::string detail::scope_member::common_name() const {
  return owner_ != nullptr ? owner_->members_name_ : std::string{};
}

detail::scope_member::~scope_member() {
  unlink();
  if (owner_ != nullptr) owner_->member_left();
}

}  // namespace copas
