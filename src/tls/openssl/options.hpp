#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace copas::tls {

/// The bits of an option (SSL_OP_*) by its name in lower case; zero for one that is without effect today.
[[nodiscard]] std::optional<std::uint64_t> option_bits(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string> all_option_names();
[[nodiscard]] std::vector<std::string> all_curve_names();

}  // namespace copas::tls
