#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/io/datagram.hpp"
#include "copas/io/option.hpp"

namespace copas {

/// One datagram, and where it came from.
template <class Address>
struct [[nodiscard]] datagram_from : datagram {
  Address sender;
};

/// A socket for datagrams, owned, with peers at `Address`es. Destroying it closes it and ends whatever waits on it.
///
/// One task may receive and another send at the same time; more of either take turns.
template <class Address>
class datagram_handle : public with_options<datagram_handle<Address>> {
 public:
  class receive_from_awaitable;

  /// @param fd  a non-blocking socket for datagrams of this family.
  datagram_handle(loop& home, unique_fd fd) : home_{&home}, socket_{new socket{std::move(fd)}} {}
  datagram_handle(datagram_handle&&) = default;
  datagram_handle& operator=(datagram_handle&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~datagram_handle() {
    if (socket_) socket_->close();
  }

  /// Receives one datagram.
  ///
  /// @param into   where its bytes go; what does not fit is lost. Alive until the awaitable ends.
  /// @param until  when to give up.
  /// @error  errc::closed (by this side), errc::timed_out, others as recv(2) reports them; of a connected socket
  ///         ECONNREFUSED: nobody was there for an earlier datagram.
  [[nodiscard]] receive_datagram_operation receive(std::span<std::byte> into, deadline until = never) noexcept {
    return {home_, socket_, into, nullptr, until};
  }
  [[nodiscard]] receive_datagram_operation receive(std::span<char> into, deadline until = never) noexcept {
    return receive(std::as_writable_bytes(into), until);
  }

  /// Receives one datagram, and tells who sent it. Otherwise as `receive`.
  [[nodiscard]] receive_from_awaitable receive_from(std::span<std::byte> into, deadline until = never) noexcept {
    return {home_, socket_, into, until};
  }
  [[nodiscard]] receive_from_awaitable receive_from(std::span<char> into, deadline until = never) noexcept {
    return receive_from(std::as_writable_bytes(into), until);
  }

  /// Sends one datagram to the peer that the socket is connected to, waiting until the system has room for it.
  ///
  /// @param bytes  alive and unchanged until the awaitable ends.
  /// @return       number of bytes that the system took: all, unless there is an error.
  /// @error  errc::timed_out, errc::closed (by this side), others as send(2) reports them, e.g. EMSGSIZE, ECONNREFUSED.
  [[nodiscard]] send_datagram_operation send(std::span<const std::byte> bytes, deadline until = never) noexcept {
    return {home_, socket_, bytes, {}, until};
  }
  [[nodiscard]] send_datagram_operation send(std::string_view bytes, deadline until = never) noexcept {
    return send(std::as_bytes(std::span{bytes}), until);
  }

  /// Closes the socket; what waits on it ends with `errc::closed`.
  void close() noexcept { socket_->close(); }

  /// The descriptor, which stays the socket's; -1 once it is closed.
  [[nodiscard]] int fd() const noexcept { return socket_->fd(); }

 protected:
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] const ref<socket>& shared() const noexcept { return socket_; }

 private:
  loop* home_;
  ref<socket> socket_;
};

template <class Address>
class [[nodiscard]] datagram_handle<Address>::receive_from_awaitable final : public receive_datagram_operation {
 public:
  receive_from_awaitable(loop* home, ref<socket> from, std::span<std::byte> into, deadline until) noexcept
      : receive_datagram_operation{home, std::move(from), into, &sender_, until} {}

  datagram_from<Address> await_resume() const noexcept {
    return {receive_datagram_operation::await_resume(), Address{sender_}};
  }

 private:
  socket_address sender_;
};

}  // namespace copas
