#include "copas/core/scope.hpp"

#include <coroutine>
#include <exception>
#include <utility>

#include "copas/core/frame_pool.hpp"

namespace copas {
namespace {

// The coroutine at the bottom of every spawned task. Its frame, with the record in its promise, frees itself at the end.
class root {
 public:
  class promise_type final : public task_record, public pooled {
   public:
    promise_type(loop& home, task<void>&, std::string& name, const std::source_location& where)
        : task_record{home}, home_{home}, name_{std::move(name)}, where_{where} {}

    root get_return_object() noexcept { return root{member_}; }
    auto initial_suspend() noexcept { return start{*this}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { home_.report(std::current_exception(), *this); }

    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] std::string origin() const override {
      return std::string{where_.file_name()} + ":" + std::to_string(where_.line());
    }
    void destroy() override { std::coroutine_handle<promise_type>::from_promise(*this).destroy(); }

   private:
    class start final : public wait_node {
     public:
      explicit start(promise_type& started) noexcept : started_{started} {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> frame) noexcept {
        park(started_.home_, frame, wait_kind::signal, never);
        run_as(started_);
        started_.home_.schedule(*this);
      }
      void await_resume() const noexcept {}
      [[nodiscard]] std::string_view activity() const noexcept override { return "starting"; }

     private:
      promise_type& started_;
    };

    loop& home_;
    std::string name_;
    std::source_location where_;
    detail::scope_member member_{*this};
  };

  explicit root(detail::scope_member& member) noexcept : member_{&member} {}
  [[nodiscard]] detail::scope_member& member() const noexcept { return *member_; }

 private:
  detail::scope_member* member_;
};

root start_task(loop&, task<void> body, std::string, std::source_location) {
  task<void> owned = std::move(body);  // a local variable goes before the record in the promise; a parameter after it
  co_await std::move(owned);
}

}  // namespace

void loop::spawn(task<void> body, std::string name, std::source_location where) {
  start_task(*this, std::move(body), std::move(name), where);
}

void scope::spawn(task<void> body, std::string name, std::source_location where) {
  detail::scope_member& member = start_task(home_, std::move(body), std::move(name), where).member();
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
