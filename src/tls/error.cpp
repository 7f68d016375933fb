#include "copas/tls/error.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace copas::tls {
namespace {

// The library that carries the session may be one that this code is not linked with, so its numbers mean nothing here.
class reasons final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }

  [[nodiscard]] std::string message(int number) const override {
    const std::lock_guard alone{mutex_};
    const auto index = static_cast<std::size_t>(number - 1);
    return index < known_.size() ? known_[index] : "unknown error";
  }

  int number_of(std::string_view reason) {
    const std::lock_guard alone{mutex_};
    const auto found = std::ranges::find(known_, reason);
    const auto index = found - known_.begin();
    if (found == known_.end()) known_.emplace_back(reason);
    return static_cast<int>(index) + 1;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> known_;
};

reasons& known_reasons() noexcept {
  static reasons only;
  return only;
}

}  // namespace

const std::error_category& category() noexcept { return known_reasons(); }

std::error_code make_error(std::string_view reason) noexcept {
  try {
    return {known_reasons().number_of(reason), category()};
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

}  // namespace copas::tls
