#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "support/reactor_decorator.hpp"

namespace copas::testing {

/// A reactor that does the worst its contract allows, with another one doing the work: the same for the same seed.
///
/// - Reads and writes move one byte; some move all, so that both ways of finding a source drained are met. A read of one
///   byte never claims that the source is drained: what was held back has no edge of its own. Datagrams stay whole.
/// - Some calls say "would block" though they would not. The descriptor was not drained, so no edge would ever come: the
///   reactor owes one, and reports it in a later wait, once the descriptor is watched.
/// - Some events come one wait later, and some come without a reason.
class hostile_reactor final : public reactor_decorator {
 public:
  explicit hostile_reactor(std::unique_ptr<reactor> inner, std::uint32_t seed = 1)
      : reactor_decorator{std::move(inner)}, random_{seed} {}

  std::span<const io_event> wait(deadline until) override;
  std::error_code watch(int fd, std::uint32_t generation) noexcept override;
  std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept override;
  void unwatch(int fd) noexcept override;
  moved receive(int fd, std::span<std::byte> into) noexcept override;
  moved send(int fd, std::span<const std::byte> from) noexcept override;
  moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept override;
  moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept override;
  accepted accept(int fd) noexcept override;

 private:
  struct watched {
    std::uint32_t generation = 0;  // zero: not watched
    bool owed_read = false;  // it was denied readiness that it has
    bool owed_write = false;
  };

  [[nodiscard]] bool one_in(std::uint32_t count) { return random_() % count == 0; }
  [[nodiscard]] bool denies_read(int fd);
  [[nodiscard]] bool denies_write(int fd);
  void report_what_is_owed();
  void report_without_reason();

  std::minstd_rand random_;
  std::map<int, watched> watched_;
  std::vector<io_event> reported_;
  std::vector<io_event> delayed_;
};

}  // namespace copas::testing
