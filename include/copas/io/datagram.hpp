#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

#include "copas/core/result.hpp"
#include "copas/io/operation.hpp"

namespace copas {

/// What became of receiving one datagram.
struct [[nodiscard]] datagram {
  std::size_t bytes = 0;   ///< how many there are; a datagram may have none
  bool truncated = false;  ///< it was longer than the space for it, and its rest is gone
  std::error_code error;   ///< why there is none

  /// Has one been received?
  explicit operator bool() const noexcept { return !error; }
};

/// Receives one datagram.
class [[nodiscard]] receive_datagram_operation : public io_operation {
 public:
  /// @param into    where the bytes go.
  /// @param sender  is set to where it came from; null if nobody wants to know. Both are alive until the operation ends.
  receive_datagram_operation(loop* home, ref<socket> from, std::span<std::byte> into, socket_address* sender,
                             deadline until = never) noexcept
      : io_operation{home, std::move(from), side::read}, into_{into}, sender_{sender} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_.error = why; }
  /// `errc::closed`, `errc::timed_out`; others as recvfrom(2) reports them, e.g. ECONNREFUSED for an earlier datagram.
  datagram await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "receiving a datagram"; }

 protected:
  /// For one that finds its space when it makes an attempt.
  void set_space(std::span<std::byte> into, socket_address* sender) noexcept {
    into_ = into;
    sender_ = sender;
  }

 private:
  std::span<std::byte> into_;
  socket_address* sender_;
  datagram outcome_;
};

/// Sends one datagram, as a whole or not at all.
class [[nodiscard]] send_datagram_operation : public io_operation {
 public:
  /// @param bytes  alive and unchanged until the operation ends.
  /// @param to     a sockaddr, alive as long; empty for the peer that the socket is connected to.
  send_datagram_operation(loop* home, ref<socket> from, std::span<const std::byte> bytes, std::span<const std::byte> to,
                          deadline until = never) noexcept
      : io_operation{home, std::move(from), side::write}, bytes_{bytes}, to_{to} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_.error = why; }
  /// @return  number of bytes the system took: all, unless there is an error.
  transfer await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "sending a datagram"; }

 private:
  std::span<const std::byte> bytes_;
  std::span<const std::byte> to_;
  transfer outcome_;
};

}  // namespace copas
