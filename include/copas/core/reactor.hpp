#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include "copas/core/deadline.hpp"
#include "copas/core/result.hpp"
#include "copas/core/socket_address.hpp"

namespace copas {

/// What became of one system call that cannot block.
struct moved {
  std::size_t bytes = 0;
  std::error_code error = no_error;  ///< operation_would_block if there was nothing to move
  bool end = false;          ///< the peer's last byte had been read before
  bool drained = false;      ///< another call at once would find nothing: wait for the next edge first
  bool truncated = false;    ///< the datagram was longer than the space for it, and its rest is gone

  /// Was there nothing to move, and may there be later?
  [[nodiscard]] bool blocked() const noexcept {
    return bytes == 0 && error.value() == static_cast<int>(std::errc::operation_would_block);
  }
};

/// A connection taken from a listening socket, or why there is none (operation_would_block: nobody is waiting).
struct accepted {
  int fd = -1;
  std::error_code error = no_error;
};

/// Something happened to a descriptor that the reactor watches.
struct io_event {
  int fd = -1;
  std::uint32_t generation = 0;  ///< tells a descriptor from a later one with the same number
  bool readable = false;
  bool writable = false;
  bool ending = false;  ///< end of stream, error or urgent data: from now on a short read does not prove "drained"
};

/// Which kinds of readiness a one-shot watch is for.
struct interest {
  bool read = false;
  bool write = false;
};

/// All that a loop asks of the operating system: wait, be woken, and try to move bytes without blocking.
///
/// There is one for each system interface, a virtual one and a hostile one for tests. All members but `interrupt` are
/// called by the loop's thread only.
class reactor : public clock {
 public:
  /// Waits until something happens, `until` has passed (at once if it is past), or `interrupt` was called.
  ///
  /// @return  what happened; valid until the next call.
  /// @error   std::system_error  the system refuses to wait at all.
  virtual std::span<const io_event> wait(deadline until) = 0;

  /// Ends the current `wait`, or the next one, early. May be called from any thread, and from a signal handler.
  virtual void interrupt() noexcept = 0;

  /// Reports what `fd` is ready for already, and from now on each change to readable or writable (edge-triggered).
  virtual std::error_code watch(int fd, std::uint32_t generation) noexcept = 0;

  /// Reports once that `fd` is ready, also if it is already. To be repeated for each wait.
  ///
  /// @error  EPERM  the descriptor is always ready, like that of a file.
  virtual std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept = 0;

  /// Forgets `fd`; to be called before it is closed.
  virtual void unwatch(int fd) noexcept = 0;

  /// recv(2) on a non-blocking socket; `into` is not empty.
  virtual moved receive(int fd, std::span<std::byte> into) noexcept = 0;

  /// send(2) on a non-blocking socket, without SIGPIPE.
  virtual moved send(int fd, std::span<const std::byte> from) noexcept = 0;

  /// Receives one datagram from a non-blocking socket. One without bytes is a datagram, too, and no end.
  ///
  /// @param sender  is set to where it came from; null if nobody wants to know.
  /// @see recvfrom(2)
  virtual moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept = 0;

  /// Sends one datagram by a non-blocking socket, as a whole or not at all.
  ///
  /// @param to  a sockaddr; empty for the peer that the socket is connected to.
  /// @see sendto(2)
  virtual moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept = 0;

  /// accept4(2) on a non-blocking socket; the new descriptor is non-blocking and closed on exec.
  virtual accepted accept(int fd) noexcept = 0;
};

}  // namespace copas
