#pragma once

#include <functional>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/wait_list.hpp"

namespace copas::testing {

/// An operation that belongs to no task: it waits where the test puts it, and calls a function when it goes on.
class probe final : public wait_node {
 public:
  explicit probe(loop& home, std::function<void()> went_on = [] {}) : home_{home}, went_on_{std::move(went_on)} {}

  /// Waits in `line`, or nowhere but for the deadline.
  void wait(wait_list* line = nullptr, deadline until = never, wait_kind kind = wait_kind::signal) {
    park(home_, {[](void* self) { static_cast<probe*>(self)->resumed(); }, this}, kind, until);
    if (line != nullptr) line->push_back(*this);
  }
  /// How often it parks again when it has been woken, before its waiter goes on.
  void demand_more(int times, wait_list& line) {
    more_ = times;
    line_ = &line;
  }

  int advances = 0;
  int resumptions = 0;
  std::function<void()> on_advance = [] {};

 private:
  bool advance() override {
    ++advances;
    on_advance();
    if (more_ == 0) return true;
    --more_;
    park_again();
    line_->push_back(*this);
    return false;
  }
  void resumed() {
    ++resumptions;
    went_on_();  // may destroy it
  }

  loop& home_;
  std::function<void()> went_on_;
  int more_ = 0;
  wait_list* line_ = nullptr;
};

/// Something with a descriptor that tasks can wait on, without system calls: its events come from a virtual reactor.
class bell final : public event_source {
 public:
  class ring_awaitable;

  bell(loop& home, int fd) : home_{home}, fd_{fd}, generation_{home.sources().attach(fd, *this)} {}
  ~bell() {
    if (attached_) home_.sources().detach(fd_);
  }

  /// Waits until it is reported as readable, or writable.
  [[nodiscard]] ring_awaitable readable(deadline until = never) noexcept;
  [[nodiscard]] ring_awaitable writable(deadline until = never) noexcept;

  /// The event that would wake the readers, or the writers.
  [[nodiscard]] io_event read_event() const noexcept {
    return {.fd = fd_, .generation = generation_, .readable = true};
  }
  [[nodiscard]] io_event write_event() const noexcept {
    return {.fd = fd_, .generation = generation_, .writable = true};
  }

  void on_event(const io_event& what) noexcept override {
    ++events;
    if (what.readable) wake_all(readers_);
    if (what.writable) wake_all(writers_);
  }
  void on_detached() noexcept override { attached_ = false; }

  int events = 0;

 private:
  void wake_all(wait_list& line) noexcept {
    while (!line.empty()) home_.wake_by_event(line.front());
  }

  loop& home_;
  int fd_;
  std::uint32_t generation_;
  bool attached_ = true;
  wait_list readers_;
  wait_list writers_;
};

class [[nodiscard]] bell::ring_awaitable final : public wait_node {
 public:
  ring_awaitable(bell& at, wait_kind kind, deadline until) noexcept : bell_{at}, kind_{kind}, until_{until} {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(waiter who) noexcept {
    park(bell_.home_, who, kind_, until_);
    (kind_ == wait_kind::read ? bell_.readers_ : bell_.writers_).push_back(*this);
  }
  wake_reason await_resume() const noexcept { return reason(); }

 private:
  bell& bell_;
  wait_kind kind_;
  deadline until_;
};

inline bell::ring_awaitable bell::readable(deadline until) noexcept { return {*this, wait_kind::read, until}; }
inline bell::ring_awaitable bell::writable(deadline until) noexcept { return {*this, wait_kind::write, until}; }

}  // namespace copas::testing
