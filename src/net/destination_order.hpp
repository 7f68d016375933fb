#pragma once

#include <optional>
#include <vector>

#include "copas/net/address.hpp"

namespace copas {

/// Sorts addresses of one host by how well this machine can reach them, best first. @see RFC 6724 section 6
void sort_destinations(std::vector<address>& destinations);

/// Lets the families alternate. @see RFC 8305 section 4
///
/// @param before  that of the address which comes before these; the first address is of another one, if there is any.
void interleave_families(std::vector<address>& destinations, std::optional<family> before = {});

}  // namespace copas
