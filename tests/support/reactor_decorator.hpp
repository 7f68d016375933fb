#pragma once

#include <memory>
#include <utility>

#include "copas/core/reactor.hpp"

namespace copas::testing {

/// Hands every call on to another reactor; derived classes change or count some of them.
class reactor_decorator : public reactor {
 public:
  explicit reactor_decorator(std::unique_ptr<reactor> inner) noexcept : inner_{std::move(inner)} {}

  deadline now() noexcept override { return inner_->now(); }
  deadline coarse_now() noexcept override { return inner_->coarse_now(); }
  std::chrono::nanoseconds wall() noexcept override { return inner_->wall(); }

  std::span<const io_event> wait(deadline until) override { return inner_->wait(until); }
  void interrupt() noexcept override { inner_->interrupt(); }
  std::error_code watch(int fd, std::uint32_t generation) noexcept override { return inner_->watch(fd, generation); }
  std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept override {
    return inner_->watch_once(fd, generation, in);
  }
  void unwatch(int fd) noexcept override { inner_->unwatch(fd); }

  moved receive(int fd, std::span<std::byte> into) noexcept override { return inner_->receive(fd, into); }
  moved send(int fd, std::span<const std::byte> from) noexcept override { return inner_->send(fd, from); }
  moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept override {
    return inner_->receive_datagram(fd, into, sender);
  }
  moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept override {
    return inner_->send_datagram(fd, datagram, to);
  }
  accepted accept(int fd) noexcept override { return inner_->accept(fd); }

 protected:
  [[nodiscard]] reactor& inner() const noexcept { return *inner_; }

 private:
  std::unique_ptr<reactor> inner_;
};

}  // namespace copas::testing
