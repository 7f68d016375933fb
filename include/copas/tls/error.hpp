#pragma once

#include <string_view>
#include <system_error>

namespace copas::tls {

/// Failures of TLS; their message is the reason in OpenSSL's words, e.g. "certificate verify failed".
[[nodiscard]] const std::error_category& category() noexcept;

/// The error for such a reason: the same number for the same words, in one run of the program. ENOMEM if it cannot be kept.
[[nodiscard]] std::error_code make_error(std::string_view reason) noexcept;

}  // namespace copas::tls
