// Output that is gathered leaves when the task that sent it waits or ends (`loop::flush_gathered`). What the system does
// not take then is sent by a task of the loop, unless somebody sends more, and with that what is here, before.

#include "copas/io/output_buffer.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "copas/io/stream.hpp"

namespace copas {
namespace {

thread_local output_buffer* collecting_here = nullptr;  // for what ends or copies the process, and knows no loop

[[maybe_unused]] const int flushes_before_fork = ::pthread_atfork(&flush_gathered_output, nullptr, nullptr);
[[maybe_unused]] const int flushes_at_exit = std::atexit(&flush_gathered_output);

}  // namespace

// A task's hold on the output it sends.
class leftover {
 public:
  explicit leftover(stream& of) noexcept : of_{&of} { of.entrusted_ = true; }
  leftover(leftover&& other) noexcept : of_{std::move(other.of_)} {}
  leftover& operator=(leftover&&) = delete;
  ~leftover() {
    if (!of_) return;
    of_->entrusted_ = false;
    if (of_->output_) of_->output_->home_ = nullptr;  // the task has been cancelled, and the loop may go
  }
  [[nodiscard]] const ref<stream>& of() const noexcept { return of_; }

 private:
  ref<stream> of_;
};

namespace {

// For as long as it takes if somebody has the stream, who is told by the next call if it takes too long; else for the time
// that sending may take.
task<void> send_leftover(loop& home, leftover output, std::chrono::nanoseconds timeout) {
  const auto time = std::max<std::chrono::nanoseconds>(timeout, std::chrono::seconds{1});
  while (co_await flush_operation{&home, output.of(), home.io().after(time)} == errc::timed_out) {
    if (output.of().sole()) break;
  }
}

}  // namespace

void output_buffer::append(std::span<const std::byte> added) noexcept {
  std::memcpy(memory_.get() + end_, added.data(), added.size());
  end_ += static_cast<std::uint32_t>(added.size());
}

void output_buffer::collect() noexcept {
  if (collecting_) return;
  flush_gathered_output();
  home_->gather(*this, static_cast<socket*>(&owner_));
  collecting_here = this;
  collecting_ = true;
}

void output_buffer::collected() noexcept {
  if (!std::exchange(collecting_, false)) return;
  home_->forget_gathered(*this);
  collecting_here = nullptr;
}

void output_buffer::leave() noexcept {
  collected();
  stream& from = owner_;
  loop& home = *home_;
  const std::chrono::nanoseconds timeout = limit.timeout;
  if (from.ready().may_be_ready(side::write)) static_cast<void>(from.flush(&home));  // which may be the end of this
  if (!from.holds_output() || from.entrusted_) return;
  try {
    home.spawn(send_leftover(home, leftover{from}, timeout), "sending");
  } catch (const std::bad_alloc&) {
    if (from.output_) from.output_->fail(std::make_error_code(std::errc::not_enough_memory));
  }
}

void output_buffer::fail(std::error_code why) noexcept {
  failure_ = why;
  memory_.reset();
  begin_ = end_ = 0;
}

deadline output_buffer::last_moment() const noexcept {
  return home_ == nullptr ? limit.until : std::min(limit.until, home_->io().after(limit.timeout));
}

void flush_gathered_output() noexcept {
  if (collecting_here != nullptr) collecting_here->leave();
}

}  // namespace copas
