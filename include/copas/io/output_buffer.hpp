#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include "copas/core/deadline.hpp"
#include "copas/core/frame_pool.hpp"
#include "copas/core/loop.hpp"
#include "copas/io/buffer.hpp"

namespace copas {

class stream;

/// How long bytes that were sent may take to leave once their stream is closed: until a time, and not longer than a time
/// from then.
struct send_limit {
  deadline until = never;
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
};

/// Bytes that operations have sent, as far as those who sent them know, and that the system has not got.
///
/// It exists while there are such bytes, or while nobody has been told that they could not be sent.
class output_buffer final : public gathered_output, public pooled {
 public:
  static constexpr std::size_t capacity = read_buffer::block_size;

  /// @param owner  whose bytes they are; it owns the buffer.
  /// @error std::bad_alloc
  output_buffer(stream& owner, loop& home) : owner_{owner}, home_{&home}, memory_{make_block(capacity)} {}
  ~output_buffer() { collected(); }

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {memory_.get() + begin_, static_cast<std::size_t>(end_ - begin_)};
  }
  [[nodiscard]] bool has_room(std::size_t count) const noexcept { return memory_ && count <= capacity - end_; }
  void append(std::span<const std::byte> added) noexcept;
  /// Drops bytes at the front, which were sent.
  void drop_first(std::size_t count) noexcept { begin_ += static_cast<std::uint32_t>(count); }
  /// Takes bytes back that were appended last.
  void drop_last(std::size_t count) noexcept { end_ -= static_cast<std::uint32_t>(count); }

  /// Is it still open to what the task that filled it sends?
  [[nodiscard]] bool collecting() const noexcept { return collecting_; }
  void collect() noexcept;
  /// It is not any more.
  void collected() noexcept;
  void leave() noexcept override;

  /// The bytes are lost; whoever acts on the stream next is told why.
  void fail(std::error_code why) noexcept;
  [[nodiscard]] std::error_code failure() const noexcept { return failure_; }

  /// The loop that sends the bytes; null if it is gone.
  [[nodiscard]] loop* home() const noexcept { return home_; }
  /// Until when the bytes may take to leave if their stream is closed now.
  [[nodiscard]] deadline last_moment() const noexcept;

  send_limit limit;
  bool then_shuts_down = false;  ///< this side of the conversation is to end behind the bytes

 private:
  friend class leftover;

  stream& owner_;
  loop* home_;
  block memory_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::error_code failure_ = no_error;
  bool collecting_ = false;
};

/// Lets the output leave that a task of this thread has gathered: before the process forks, ends or blocks.
void flush_gathered_output() noexcept;

}  // namespace copas
