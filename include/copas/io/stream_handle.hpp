#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/io/option.hpp"
#include "copas/io/stream.hpp"

namespace copas {

/// A connection of any kind, owned. Destroying it closes the connection and ends whatever waits on it.
///
/// One task may receive and another send at the same time; more of either take turns.
class stream_handle : public with_options<stream_handle> {
 public:
  class text_awaitable;

  /// @param connection  a non-blocking socket that is connected.
  stream_handle(loop& home, unique_fd connection) : stream_handle{home, ref{new stream{std::move(connection)}}} {}
  stream_handle(loop& home, ref<stream> shared) noexcept : home_{&home}, stream_{std::move(shared)} {}
  stream_handle(stream_handle&&) = default;
  stream_handle& operator=(stream_handle&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~stream_handle() {
    if (stream_) stream_->close();
  }

  /// Receives a line, without the LF at its end and any CR in it.
  ///
  /// @param into   is replaced by the line, or after an error by the part of one that had come; alive until the
  ///               awaitable ends, if only because its task is destroyed with the loop.
  /// @param until  when to give up.
  /// @error  errc::closed     the peer ended its side, and everything it sent was received.
  /// @error  errc::timed_out  `until` passed first.
  /// @error  others           as recv(2) reports them, e.g. ECONNRESET.
  [[nodiscard]] text_awaitable receive_line(std::string& into, deadline until = never) noexcept;

  /// Receives everything up to the end of the stream; `errc::closed` if there is nothing. Otherwise as `receive_line`.
  [[nodiscard]] text_awaitable receive_all(std::string& into, deadline until = never) noexcept;

  /// Receives exactly `count` bytes. Otherwise as `receive_line`.
  [[nodiscard]] text_awaitable receive_exactly(std::string& into, std::size_t count, deadline until = never) noexcept;

  /// Receives what has arrived, waiting for the first byte if nothing has.
  ///
  /// @param into  where the bytes go, alive until the awaitable ends. An empty one is filled at once, by nothing.
  /// @return      number of bytes written to the front of `into`.
  /// @error  as `receive_line`
  [[nodiscard]] receive_some_operation receive(std::span<std::byte> into, deadline until = never) noexcept;
  [[nodiscard]] receive_some_operation receive(std::span<char> into, deadline until = never) noexcept {
    return receive(std::as_writable_bytes(into), until);
  }

  /// Sends all of `bytes`.
  ///
  /// While what has been received holds more for the task to deal with, small sends are gathered, and leave together when
  /// it waits, ends or acts on another socket; an error is then that of the next call. See `set_gathering`.
  ///
  /// @param bytes  alive and unchanged until the awaitable ends.
  /// @return       number of bytes that the system took, or will get with others: all, unless there is an error.
  /// @error  errc::timed_out, errc::closed (by this side), others as send(2) reports them, e.g. EPIPE; ENOMEM where it has
  ///         to wait for the system and there is no memory for that.
  [[nodiscard]] send_awaitable send(std::span<const std::byte> bytes, deadline until = never) noexcept;
  [[nodiscard]] send_awaitable send(std::string_view bytes, deadline until = never) noexcept {
    return send(std::as_bytes(std::span{bytes}), until);
  }

  /// Lets small sends be gathered, as they are at first, or leave each at once.
  void set_gathering(bool wanted) noexcept { stream_->set_gathering(wanted); }

  /// Ends this side of the conversation: the peer reads an end of stream, and receiving goes on. @see shutdown(2)
  void shutdown_send() noexcept { stream_->shutdown_send(home_); }

  /// Closes the connection; what waits on it ends with `errc::closed`. What was gathered and the system does not take at
  /// once is sent while the loop runs, until the deadline that it was sent with.
  void close() noexcept { stream_->close(); }

  /// The stream itself, which operations share. What it is given away for (TLS) leaves this handle a closed one.
  [[nodiscard]] stream& shared() const noexcept { return *stream_; }

  /// Gives the stream away, open; the handle has none then, and can only be destroyed or assigned to.
  [[nodiscard]] ref<stream> give_away() noexcept { return std::exchange(stream_, {}); }

  /// The descriptor, which stays the stream's; -1 once it is closed. What was gathered leaves first.
  [[nodiscard]] int fd() const noexcept {
    stream_->send_gathered();  // whoever asks may send by it
    return stream_->fd();
  }
  /// How many bytes were received and sent.
  [[nodiscard]] const stream::statistics& stats() const noexcept { return stream_->stats(); }

 private:
  loop* home_;
  ref<stream> stream_;
};

/// Receives into a string of the caller.
class [[nodiscard]] stream_handle::text_awaitable final : public receive_into_operation {
 public:
  text_awaitable(loop* home, const ref<stream>& from, receive_pattern pattern, std::string& into,
                 deadline until) noexcept
      : receive_into_operation{home, from, pattern, emptied(into)} {
    set_deadline(until);
  }
  /// @return  number of bytes in the string.
  /// @error   std::bad_alloc
  transfer await_resume() {
    keep_result();
    return {.bytes = bytes().size(), .error = error()};
  }

 private:
  [[nodiscard]] static std::string& emptied(std::string& of) noexcept {
    of.clear();
    return of;
  }
};

}  // namespace copas
