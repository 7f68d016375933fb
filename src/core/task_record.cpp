#include "copas/core/task_record.hpp"

#include "copas/core/loop.hpp"

namespace copas {

task_record::task_record(loop& home) noexcept : queued{this}, home_{home} { home.tasks_.push_back(*this); }

task_record::~task_record() {
  if (home_.current_ == this) home_.current_ = nullptr;
  while (!watches_.empty()) watches_.pop_front().on_task_end();
}

void task_record::cancel() {
  if (running_) {
    cancelled_ = true;
  } else {
    end();
  }
}

void task_record::report(const std::exception_ptr& error) noexcept { home_.report(error, *this); }

// Destroys the task once, though its own destructors may cancel it again.
void task_record::end() {
  running_ = true;
  destroy();
}

}  // namespace copas
