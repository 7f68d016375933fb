#include "copas/io/stream_handle.hpp"

namespace copas {

stream_handle::text_awaitable stream_handle::receive_line(std::string& into, deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::line}, into, until};
}

stream_handle::text_awaitable stream_handle::receive_all(std::string& into, deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::all}, into, until};
}

stream_handle::text_awaitable stream_handle::receive_exactly(std::string& into, std::size_t count,
                                                             deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::exactly, .count = count}, into, until};
}

receive_some_operation stream_handle::receive(std::span<std::byte> into, deadline until) noexcept {
  return {home_, stream_, into, until};
}

send_awaitable stream_handle::send(std::span<const std::byte> bytes, deadline until) noexcept {
  return {home_, stream_, bytes, until};
}

}  // namespace copas
