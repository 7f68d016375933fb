#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "copas/core/frame_pool.hpp"
#include "copas/core/result.hpp"
#include "copas/io/buffer.hpp"
#include "copas/io/operation.hpp"
#include "copas/io/output_buffer.hpp"

namespace copas {

/// What a receive operation waits for.
struct receive_pattern {
  enum class kind : std::uint8_t { line, all, exactly };

  kind what = kind::line;
  std::size_t count = 0;  ///< for `exactly`: bytes, those of the prefix included. None: until anything is readable
  bool partial = false;  ///< with at least one byte, stop in place of waiting for more, with `errc::timed_out`
};

/// A connected socket that carries bytes: the buffer of what arrived, and the statistics, shared by all who use it.
class stream : public socket {
 public:
  struct statistics {
    std::uint64_t received = 0;  ///< bytes that operations took, line ends included
    std::uint64_t sent = 0;
  };

  using socket::socket;
  ~stream() override { close(); }

  /// Bytes that arrived and that nobody has taken.
  [[nodiscard]] read_buffer& input() noexcept { return input_; }
  [[nodiscard]] statistics& stats() noexcept { return stats_; }

  /// Receives what is there, or sends what fits, with at most one recv(2) or send(2) unless the bytes are encrypted. The
  /// call is made by the reactor of `via`, directly if there is no loop. What was gathered is sent before `from`.
  moved receive_some(loop* via, std::span<std::byte> into) noexcept {
    return encrypted_ ? decrypt_some(via, into) : receive_raw(via, into);
  }
  moved send_some(loop* via, std::span<const std::byte> from) noexcept;

  /// False if `receive_some` would certainly find nothing.
  [[nodiscard]] bool may_receive() noexcept { return encrypted_ ? may_decrypt() : ready().may_be_ready(side::read); }

  /// The front of the buffer, if it is the whole result of a receive without a prefix.
  struct ready_input {
    std::size_t length = 0;
    bool line = false;  ///< the LF follows it
  };
  /// Looks for it, and changes nothing.
  [[nodiscard]] std::optional<ready_input> find(const receive_pattern& pattern) noexcept;
  /// The same for a task of `via`, of at most so many bytes; nothing if a receive operation would have to wait its turn.
  [[nodiscard]] std::optional<ready_input> receive_at_once(loop& via, const receive_pattern& pattern,
                                                           std::size_t most) noexcept;
  /// Takes it, a line without its end and each CR in it. The bytes lie where they are until `input().relax()`, while
  /// nobody else uses the stream.
  std::span<char> take(const ready_input& found) noexcept;

  /// Would a receive certainly find nothing: neither bytes, nor an end, nor a failure that it has to tell of?
  [[nodiscard]] bool surely_silent() noexcept {
    return input_.empty() && !ready().may_be_ready(side::read) && !encrypted_ && !output_ && open();
  }

  /// Lets small sends of a task leave together, while there is more input for it to deal with: what one call of the system
  /// sends instead of many. Without it each leaves at once. It is on at first.
  void set_gathering(bool wanted) noexcept;
  [[nodiscard]] bool gathers() const noexcept { return gathers_; }

  /// Takes bytes that the running task of `via` sends, to be sent together with what it sends next.
  /// @return  false if they are to be sent now.
  [[nodiscard]] bool gather(loop& via, std::span<const std::byte> bytes, const send_limit& limit) noexcept;
  /// Begins to send as far as that needs no waiting: gathers the bytes, or lets the system have them by one call.
  /// @return  what is on its way; `blocked()` if nothing is, and nothing is known of a failure.
  moved send_at_once(loop& via, std::span<const std::byte> bytes, const send_limit& limit) noexcept {
    if (has_input() && via.within_budget() && gather(via, bytes, limit)) return {.bytes = bytes.size()};
    return send_directly(via, bytes);
  }
  /// Sends what was gathered; a task of the loop sends what the system does not take at once.
  void send_gathered() noexcept {
    if (output_ && output_->collecting()) output_->leave();
  }
  /// Why bytes could not be sent whose sender has not heard of it; it is told once.
  [[nodiscard]] std::error_code take_failure() noexcept { return output_ ? take_output_failure() : no_error; }

  /// Are there bytes that were sent, as far as those who sent them know, and that the system has not got? `flush` gives it
  /// some of them. If it fails they are lost, and `take_failure` says why.
  [[nodiscard]] bool holds_output() const noexcept {
    return (output_ && !output_->empty()) || (encrypted_ && holds_ciphertext());
  }
  moved flush(loop* via) noexcept;

  /// Ends this side: the peer reads an end of stream, once it has read what was sent. @see shutdown(2)
  void shutdown_send(loop* via) noexcept;

  /// Do the bytes of users travel encrypted?
  [[nodiscard]] bool encrypted() const noexcept { return encrypted_; }

  /// Reads what has arrived into the buffer, which must be empty.
  moved fill(loop* via);

  [[nodiscard]] bool holds_bytes() const noexcept override { return !input_.empty(); }
  /// The same, at less cost where nothing is encrypted.
  [[nodiscard]] bool has_input() const noexcept { return !input_.empty() || (encrypted_ && holds_bytes()); }

 protected:
  /// For one whose bytes travel encrypted, and which has the functions below.
  enum class encryption : std::uint8_t { none, all };
  stream(unique_fd fd, encryption kind) noexcept : socket{std::move(fd)}, encrypted_{kind == encryption::all} {}

  farewell take_leave() noexcept override;
  /// Tells the peer that nothing more comes; everything gathered has been sent.
  virtual void end_output(loop* via) noexcept;
  /// What was gathered and has not left; null if there is nothing.
  [[nodiscard]] const output_buffer* output() const noexcept { return output_.get(); }
  /// The system calls themselves, and what they tell about readiness.
  moved receive_raw(loop* via, std::span<std::byte> into) noexcept;
  moved send_raw(loop* via, std::span<const std::byte> from) noexcept;
  void forget_bytes() noexcept override {
    input_.clear();
    output_.reset();
  }

 private:
  friend class output_buffer;
  friend class leftover;
  // What receiving and sending mean for an encrypted stream; nobody calls them for another one.
  virtual moved decrypt_some(loop*, std::span<std::byte>) noexcept { return {}; }
  virtual moved encrypt_some(loop*, std::span<const std::byte>) noexcept { return {}; }
  [[nodiscard]] virtual bool may_decrypt() noexcept { return false; }
  [[nodiscard]] virtual bool holds_ciphertext() const noexcept { return false; }
  virtual moved flush_ciphertext(loop*) noexcept { return {}; }

  moved transmit(loop* via, std::span<const std::byte> from) noexcept {
    return encrypted_ ? encrypt_some(via, from) : send_raw(via, from);
  }
  moved flush_output(loop* via) noexcept;
  moved send_directly(loop& via, std::span<const std::byte> bytes) noexcept;
  moved send_behind_output(loop* via, std::span<const std::byte> from) noexcept;
  std::error_code take_output_failure() noexcept;

  // The small ones first: they fit behind those of the readiness.
  bool encrypted_ = false;
  bool gathers_ = true;
  bool entrusted_ = false;  // a task of the loop sends the output
  read_buffer input_;
  statistics stats_;
  std::unique_ptr<output_buffer> output_;
};

/// Bytes received, and what they lie in.
///
/// @invariant  `bytes()` points into `block` or into `text`.
struct received {
  /// Why they are not what was asked for; they were taken from the stream all the same.
  std::error_code error = no_error;
  block memory;
  std::string text;
  std::size_t offset = 0;  // in `memory`, if there is any
  std::size_t length = 0;

  [[nodiscard]] std::string_view bytes() const noexcept {
    if (memory) return {reinterpret_cast<const char*>(memory.get()) + offset, length};
    return text;
  }
};

/// Receives a line, a number of bytes, or everything, as LuaSocket's patterns do, into a string of somebody else.
///
/// A line ends with LF, which is dropped, as is each CR in it. Bytes of an operation that is destroyed before it hands
/// over its result go back to the stream.
/// @see the receive patterns of LuaSocket's tcp reference
class [[nodiscard]] receive_into_operation : public io_operation {
 public:
  /// @param into  what is in it stays in front of the result, and counts for `exactly`. It outlives the operation, which
  ///              uses it while it waits.
  receive_into_operation(loop* home, const ref<stream>& from, receive_pattern pattern, std::string& into) noexcept
      : io_operation{home, ref<socket>{from.get()}, side::read},
        what_{pattern.what},
        partial_{pattern.partial},
        count_{pattern.count},
        held_{into},
        prefix_{into.size()} {}
  ~receive_into_operation() override;

  [[nodiscard]] bool await_ready() noexcept {
    return (prefix_ != 0 || !from().surely_silent()) && io_operation::await_ready();
  }
  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override;
  [[nodiscard]] bool got_part() const noexcept override { return got_part_; }

  [[nodiscard]] std::string_view activity() const noexcept override;
  [[nodiscard]] receive_pattern pattern() const noexcept {
    return {.what = what_, .count = count_, .partial = partial_};
  }
  [[nodiscard]] stream& from() const noexcept { return static_cast<stream&>(on()); }

  /// The bytes of the result, the prefix among them, where they lie until `drop_result`, while nobody else uses the stream.
  [[nodiscard]] std::string_view bytes() const noexcept {
    if (slice_.data() != nullptr) return {slice_.data(), slice_.size()};
    return held_;
  }
  /// Why they are not what was asked for.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  /// Ends it in place of `await_resume`, when the caller has copied what it wants.
  void drop_result() noexcept;

 protected:
  /// Ends it with the result in the string.
  /// @error  std::bad_alloc
  void keep_result();
  /// Ends it with the result on its own; it takes the stream's buffer along if nothing else is in there.
  /// @error  std::bad_alloc
  [[nodiscard]] received take_result();

 private:
  [[nodiscard]] bool take_buffered();
  [[nodiscard]] bool take_slice();
  [[nodiscard]] bool take_line();
  [[nodiscard]] bool take_counted();
  [[nodiscard]] moved read_more();
  [[nodiscard]] moved read_behind(std::size_t room);
  void take(std::size_t count);
  void finish(std::error_code why) noexcept;
  [[nodiscard]] bool has_new_bytes() const noexcept { return held_.size() > prefix_; }
  [[nodiscard]] bool has_part() const noexcept { return partial_ && has_new_bytes(); }
  [[nodiscard]] bool stop_with_part() noexcept;

  receive_pattern::kind what_;
  bool partial_ : 1;
  bool got_part_ : 1 = false;  // in the last attempt
  bool handed_over_ : 1 = false;
  std::size_t count_;
  std::string& held_;  // the prefix, and bytes taken so far
  std::size_t prefix_;  // how many bytes of `held_` are the prefix
  std::span<char> slice_;  // the result, while it still lies in the stream's buffer; nothing is held then
  std::error_code error_ = no_error;
};

namespace detail {

// A base, so that it is there before the operation, and after it.
struct receive_text {
  std::string text;
};

}  // namespace detail

/// The same, with a string of its own.
class [[nodiscard]] receive_operation final : detail::receive_text, public receive_into_operation {
 public:
  receive_operation(loop* home, const ref<stream>& from, receive_pattern pattern) noexcept
      : receive_into_operation{home, from, pattern, text} {}
  /// @param prefix  put in front of the result; counts for `exactly`.
  receive_operation(loop* home, const ref<stream>& from, receive_pattern pattern, std::string prefix) noexcept
      : detail::receive_text{std::move(prefix)}, receive_into_operation{home, from, pattern, text} {}

  /// @error  std::bad_alloc
  received await_resume() { return take_result(); }
};

/// Receives what has arrived, at least one byte, into memory of the caller.
class [[nodiscard]] receive_some_operation final : public io_operation {
 public:
  /// @param into  alive until the operation ends; if it is empty, that is at once.
  receive_some_operation(loop* home, ref<stream> from, std::span<std::byte> into, deadline until = never) noexcept
      : io_operation{home, ref<socket>{from.get()}, side::read}, into_{into} {
    set_deadline(until);
  }

  [[nodiscard]] bool await_ready() noexcept {
    return into_.empty() || (!static_cast<stream&>(on()).surely_silent() && io_operation::await_ready());
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

/// Sends all of a string of bytes, of which some may be on their way already.
class [[nodiscard]] send_operation : public io_operation, public pooled {
 public:
  /// @param bytes  alive and unchanged until the operation ends.
  /// @param begun  how many of them are on their way already.
  send_operation(loop* home, ref<stream> to, std::span<const std::byte> bytes, deadline until = never,
                 std::size_t begun = 0) noexcept
      : io_operation{home, ref<socket>{to.get()}, side::write}, rest_{bytes.subspan(begun)}, outcome_{.bytes = begun} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_.error = why; }
  /// @return  number of bytes the system took, or will get together with others: all, unless there is an error.
  transfer await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "sending"; }
  [[nodiscard]] stream& to() const noexcept { return static_cast<stream&>(on()); }

 private:
  std::span<const std::byte> rest_;
  transfer outcome_;
};

/// Sends all of a string of bytes. The operation that waits, which is large, is made only where the system does not take
/// them at once.
class [[nodiscard]] send_awaitable final {
 public:
  /// @param bytes  alive and unchanged until the awaitable ends.
  send_awaitable(loop* home, ref<stream> to, std::span<const std::byte> bytes, deadline until = never) noexcept
      : home_{home}, to_{std::move(to)}, bytes_{bytes}, until_{until} {}

  [[nodiscard]] bool await_ready() noexcept;
  void await_suspend(waiter who) noexcept { rest_->await_suspend(who); }
  /// @return  as `send_operation`
  transfer await_resume() const noexcept { return rest_ ? rest_->await_resume() : outcome_; }

 private:
  [[gnu::noinline]] bool wait_for_rest() noexcept;

  loop* home_;
  ref<stream> to_;
  std::span<const std::byte> bytes_;
  deadline until_;
  transfer outcome_;
  std::unique_ptr<send_operation> rest_;
};

/// Sends what a stream holds for those who have sent it.
class [[nodiscard]] flush_operation final : public io_operation {
 public:
  flush_operation(loop* home, const ref<stream>& of, deadline until = never) noexcept
      : io_operation{home, ref<socket>{of.get()}, side::write} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// @return  why it gave up; whether sending failed, `stream::take_failure` says.
  std::error_code await_resume() const noexcept { return error_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "sending"; }

 private:
  std::error_code error_ = no_error;
};

}  // namespace copas
