#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "copas/io/operation.hpp"

namespace copas {

/// The descriptors that belong to somebody else (another library's sockets), by number.
///
/// A wait belongs to the number: all objects that have it share one record and one line of waiters, also with a socket
/// of ours that has the same number.
class descriptor_table {
 public:
  explicit descriptor_table(loop& home) noexcept : home_{home} {}
  descriptor_table(const descriptor_table&) = delete;
  descriptor_table& operator=(const descriptor_table&) = delete;
  ~descriptor_table();

  /// The record of a descriptor, made when there is none.
  [[nodiscard]] ref<socket> at(int fd);

  /// Nobody waits on this side of the descriptor, so that trying at once overtakes nobody.
  [[nodiscard]] bool vacant(int fd, side which) const noexcept;

  /// Wakes whoever waits on the descriptor, for its owner is about to close it. Not for sockets of ours.
  void closing(int fd) noexcept;

  /// Lets the next reader go on: the descriptor's owner holds bytes for it.
  void announce_bytes(int fd) noexcept;

  [[nodiscard]] bool empty() const noexcept { return sockets_.empty(); }

 private:
  [[nodiscard]] const readiness* registered(int fd) const noexcept;

  loop& home_;
  std::unordered_map<int, ref<socket>> sockets_;
};

/// Waits until a descriptor is, or may be, ready.
class [[nodiscard]] readiness_wait : public io_operation {
 public:
  /// Where it gets in line: `first` after a wait that ended well, though nothing was to be had then.
  enum class place : std::uint8_t { last, first };

  readiness_wait(loop* home, ref<socket> on, side which, place in_line = place::last) noexcept
      : io_operation{home, std::move(on), which}, in_line_{in_line} {
    wait_for_news();
  }

  [[nodiscard]] bool attempt() noexcept override { return reason() == wake_reason::event; }
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// `errc::timed_out`, or why the descriptor cannot be waited for. EPERM, of a file, counts as ready.
  std::error_code await_resume() const noexcept;
  [[nodiscard]] std::string_view activity() const noexcept override { return "waiting for a descriptor"; }

 private:
  [[nodiscard]] bool continues_turn() const noexcept override { return in_line_ == place::first; }

  place in_line_;
  std::error_code error_;
};

}  // namespace copas
