#pragma once

#include <cstddef>

#include "support/reactor_decorator.hpp"

namespace copas::testing {

/// How often each system call was made, and what it moved.
struct reactor_calls {
  std::size_t waits = 0;
  std::size_t events = 0;
  std::size_t watches = 0;  ///< of either kind
  std::size_t unwatches = 0;
  std::size_t receives = 0;  ///< datagrams included, as for those below
  std::size_t sends = 0;
  std::size_t accepts = 0;
  std::size_t received = 0;  ///< bytes
  std::size_t sent = 0;      ///< bytes
};

/// Counts what is asked of another reactor.
class counting_reactor final : public reactor_decorator {
 public:
  /// @param calls  where to count; outlives the reactor.
  counting_reactor(std::unique_ptr<reactor> inner, reactor_calls& calls) noexcept
      : reactor_decorator{std::move(inner)}, calls_{calls} {}

  std::span<const io_event> wait(deadline until) override {
    ++calls_.waits;
    const auto events = inner().wait(until);
    calls_.events += events.size();
    return events;
  }
  std::error_code watch(int fd, std::uint32_t generation) noexcept override {
    ++calls_.watches;
    return inner().watch(fd, generation);
  }
  std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept override {
    ++calls_.watches;
    return inner().watch_once(fd, generation, in);
  }
  void unwatch(int fd) noexcept override {
    ++calls_.unwatches;
    inner().unwatch(fd);
  }
  moved receive(int fd, std::span<std::byte> into) noexcept override {
    ++calls_.receives;
    const moved outcome = inner().receive(fd, into);
    calls_.received += outcome.bytes;
    return outcome;
  }
  moved send(int fd, std::span<const std::byte> from) noexcept override {
    ++calls_.sends;
    const moved outcome = inner().send(fd, from);
    calls_.sent += outcome.bytes;
    return outcome;
  }
  moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept override {
    ++calls_.receives;
    const moved outcome = inner().receive_datagram(fd, into, sender);
    calls_.received += outcome.bytes;
    return outcome;
  }
  moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept override {
    ++calls_.sends;
    const moved outcome = inner().send_datagram(fd, datagram, to);
    calls_.sent += outcome.bytes;
    return outcome;
  }
  accepted accept(int fd) noexcept override {
    ++calls_.accepts;
    return inner().accept(fd);
  }

 private:
  reactor_calls& calls_;
};

}  // namespace copas::testing
