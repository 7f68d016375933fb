#include "copas/core/event_sources.hpp"

#include <cstddef>

namespace copas {

std::uint32_t event_sources::attach(int fd, event_source& source) {
  const auto number = static_cast<std::size_t>(fd);
  if (number >= slots_.size()) slots_.resize(number + number / 2 + 16);
  if (slots_[number].source != nullptr && slots_[number].source != &source) slots_[number].source->on_detached();
  slots_[number] = {&source, ++generations_};
  return generations_;
}

void event_sources::detach(int fd) noexcept { slots_[static_cast<std::size_t>(fd)] = {}; }

void event_sources::detach_all() noexcept {
  for (const slot& each : slots_) {
    if (each.source != nullptr) each.source->on_detached();
  }
}

event_source* event_sources::of(int fd) const noexcept {
  const auto number = static_cast<std::size_t>(fd);
  return number < slots_.size() ? slots_[number].source : nullptr;
}

event_source* event_sources::of(const io_event& what) const noexcept {
  const auto number = static_cast<std::size_t>(what.fd);
  const bool current = number < slots_.size() && slots_[number].generation == what.generation;
  return current ? slots_[number].source : nullptr;
}

}  // namespace copas
