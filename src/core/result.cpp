#include "copas/core/result.hpp"

#include <cerrno>
#include <string>

namespace copas {

const char* text_of(errc code) noexcept {
  switch (code) {
    case errc::closed: return "closed";
    case errc::timed_out: return "timeout";
    case errc::destroyed: return "destroyed";
    case errc::too_many: return "too many";
    case errc::not_owner: return "cannot release a lock not owned";
    case errc::stopping: return "stopping";
    case errc::cancelled: return "cancelled";
  }
  return "unknown error";
}

const std::error_category& copas_category() noexcept {
  static const class final : public std::error_category {
    const char* name() const noexcept override { return "copas"; }
    std::string message(int code) const override { return text_of(static_cast<errc>(code)); }
  } category;
  return category;
}

bool is_descriptor_shortage(const std::error_code& error) noexcept {
  return is_one_of(error, {EMFILE, ENFILE, ENOBUFS, ENOMEM});
}

}  // namespace copas
