#pragma once

#include "net/name_cache.hpp"

namespace copas {

/// Answers a question the way of the C library, which blocks. May be called by any thread.
///
/// The answer's lifetime is zero: the library does not tell.
/// @see getaddrinfo(3), getnameinfo(3)
[[nodiscard]] dns::answer look_up_by_system(const dns_question& asked) noexcept;

/// The address that "4.3.2.1.in-addr.arpa" and the like mean. @see RFC 1035 section 3.5, RFC 3596 section 2.5
[[nodiscard]] std::string name_for_reverse(const address& of);

}  // namespace copas
