#include "copas/core/loop_properties.hpp"

#include <algorithm>
#include <cassert>

namespace copas {

loop_property* loop_properties::find(const void* key) const noexcept {
  const auto found = std::ranges::find(all_, key, [](const auto& each) { return each.first; });
  return found == all_.end() ? nullptr : found->second.get();
}

void loop_properties::add(const void* key, std::unique_ptr<loop_property> added) {
  assert(find(key) == nullptr);
  all_.emplace_back(key, std::move(added));
}

void loop_properties::clear() noexcept {
  while (!all_.empty()) all_.pop_back();
}

}  // namespace copas
