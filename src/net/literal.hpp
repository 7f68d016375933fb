#pragma once

#include <optional>
#include <vector>

#include "copas/net/resolver.hpp"

namespace copas {

/// The addresses that a request is about, if its host is no name; nothing if it is one.
///
/// @error EAI_SERVICE, also if the host is a name; EAI_ADDRFAMILY, if it is an address of another family
[[nodiscard]] std::optional<result<std::vector<address>>> parse_literal(const lookup_request& what);

/// The port that a service has.
/// @error EAI_SERVICE
[[nodiscard]] result<std::uint16_t> port_of(const std::string& service, transport by);

}  // namespace copas
