#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "copas/core/result.hpp"
#include "copas/io/buffer.hpp"
#include "copas/io/operation.hpp"

namespace copas {

/// A connected socket that carries bytes: the buffer of what arrived, and the statistics, shared by all who use it.
class stream : public socket {
 public:
  struct statistics {
    std::uint64_t received = 0;  ///< bytes that operations took, line ends included
    std::uint64_t sent = 0;
  };

  using socket::socket;

  /// Bytes that arrived and that nobody has taken.
  [[nodiscard]] read_buffer& input() noexcept { return input_; }
  [[nodiscard]] statistics& stats() noexcept { return stats_; }

  /// Receives what is there, or sends what fits, with at most one recv(2) or send(2) unless the bytes are encrypted. The
  /// call is made by the reactor of `via`, directly if there is no loop.
  virtual moved receive_some(loop* via, std::span<std::byte> into) noexcept;
  virtual moved send_some(loop* via, std::span<const std::byte> from) noexcept;

  /// False if `receive_some` would certainly find nothing.
  [[nodiscard]] virtual bool may_receive() noexcept { return ready().may_be_ready(side::read); }

  /// Are there bytes that `send_some` has taken and the system has not? `flush` gives it some of them.
  [[nodiscard]] virtual bool holds_output() const noexcept { return false; }
  virtual moved flush(loop*) noexcept { return {}; }

  /// Ends this side: the peer reads an end of stream, once it has read what was sent. @see shutdown(2)
  virtual void end_output(loop* via) noexcept;

  /// Do the bytes of users travel encrypted?
  [[nodiscard]] virtual bool encrypted() const noexcept { return false; }

  /// Reads what has arrived into the buffer, which must be empty.
  moved fill(loop* via);

  [[nodiscard]] bool holds_bytes() const noexcept override { return !input_.empty(); }

 protected:
  /// The system calls themselves, and what they tell about readiness.
  moved receive_raw(loop* via, std::span<std::byte> into) noexcept;
  moved send_raw(loop* via, std::span<const std::byte> from) noexcept;
  void forget_bytes() noexcept override { input_.clear(); }

 private:
  read_buffer input_;
  statistics stats_;
};

/// What a receive operation waits for.
struct receive_pattern {
  enum class kind : std::uint8_t { line, all, exactly };

  kind what = kind::line;
  std::size_t count = 0;  ///< for `exactly`: bytes, those of the prefix included. None: until anything is readable
  bool partial = false;  ///< stop as soon as at least one byte has come, with `errc::timed_out`
};

/// Bytes received, and what they lie in.
///
/// @invariant  `bytes()` points into `block` or into `text`.
struct received {
  std::error_code error;  ///< why they are not what was asked for; they were taken from the stream all the same
  block memory;
  std::string text;
  std::size_t offset = 0;  // in `memory`, if there is any
  std::size_t length = 0;

  [[nodiscard]] std::string_view bytes() const noexcept {
    if (memory) return {reinterpret_cast<const char*>(memory.get()) + offset, length};
    return text;
  }
};

/// Receives a line, a number of bytes, or everything, as LuaSocket's patterns do.
///
/// A line ends with LF, which is dropped, as is each CR in it. Bytes of an operation that is destroyed before it hands
/// over its result go back to the stream.
/// @see the receive patterns of LuaSocket's tcp reference
class [[nodiscard]] receive_operation : public io_operation {
 public:
  /// @param prefix  put in front of the result; counts for `exactly`.
  receive_operation(loop* home, ref<stream> from, receive_pattern pattern, std::string prefix = {}) noexcept;
  ~receive_operation() override;

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override;
  received await_resume() noexcept;

  [[nodiscard]] std::string_view activity() const noexcept override;
  [[nodiscard]] const receive_pattern& pattern() const noexcept { return pattern_; }
  [[nodiscard]] stream& from() const noexcept { return static_cast<stream&>(on()); }

 protected:
  /// What `await_resume` gives, as a string that has the memory of the prefix.
  std::string take_text() noexcept;
  /// Why it is not what was asked for.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  [[nodiscard]] bool got_part() const noexcept override { return held_.size() > held_before_; }
  [[nodiscard]] bool take_buffered();
  [[nodiscard]] bool take_line();
  [[nodiscard]] bool take_counted();
  [[nodiscard]] moved read_more();
  [[nodiscard]] moved read_behind(std::size_t room);
  void take(std::size_t count);
  void finish(std::error_code why) noexcept;
  [[nodiscard]] bool has_new_bytes() const noexcept { return held_.size() > prefix_; }

  receive_pattern pattern_;
  std::string held_;  // the prefix, and bytes taken so far
  std::size_t prefix_;  // how many bytes of `held_` are the prefix
  std::size_t held_before_ = 0;  // the last attempt
  std::span<char> slice_;  // the result, while it still lies in the stream's buffer; nothing is held then
  std::error_code error_;
  bool handed_over_ = false;
};

/// Receives what has arrived, at least one byte, into memory of the caller.
class [[nodiscard]] receive_some_operation final : public io_operation {
 public:
  /// @param into  at least one byte long, alive until the operation ends.
  receive_some_operation(loop* home, ref<stream> from, std::span<std::byte> into, deadline until = never) noexcept
      : io_operation{home, ref<socket>{from.get()}, side::read}, into_{into} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_.error = why; }
  /// @return  number of bytes written to the front of `into`.
  transfer await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "receiving"; }

 private:
  std::span<std::byte> into_;
  transfer outcome_;
};

/// Sends all of a string of bytes.
class [[nodiscard]] send_operation : public io_operation {
 public:
  /// @param bytes  alive and unchanged until the operation ends.
  send_operation(loop* home, ref<stream> to, std::span<const std::byte> bytes, deadline until = never) noexcept
      : io_operation{home, ref<socket>{to.get()}, side::write}, rest_{bytes} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_.error = why; }
  /// @return  number of bytes the system took: all, unless there is an error.
  transfer await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "sending"; }
  [[nodiscard]] stream& to() const noexcept { return static_cast<stream&>(on()); }

 private:
  std::span<const std::byte> rest_;
  transfer outcome_;
};

}  // namespace copas
