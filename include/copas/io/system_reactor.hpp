#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "copas/core/reactor.hpp"

namespace copas {

/// The reactor of this system: epoll(7), with the clocks of clock_gettime(2).
///
/// It survives fork(2): in the child it leaves the parent's descriptor alone and registers everything anew.
/// @error std::system_error  no descriptor was free
[[nodiscard]] std::unique_ptr<reactor> system_reactor();

/// The system calls that move bytes, as reactors and blocking calls make them.
namespace system_calls {
[[nodiscard]] moved receive(int fd, std::span<std::byte> into) noexcept;
[[nodiscard]] moved send(int fd, std::span<const std::byte> from) noexcept;
[[nodiscard]] moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept;
[[nodiscard]] moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept;
[[nodiscard]] accepted accept(int fd) noexcept;
}  // namespace system_calls

}  // namespace copas
