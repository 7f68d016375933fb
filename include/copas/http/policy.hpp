#pragma once

#include <cstdint>
#include <string_view>

namespace copas::http {

/// May a request be sent again without harm if nobody knows what became of it? @see RFC 9110 section 9.2.2
[[nodiscard]] bool is_idempotent(std::string_view method) noexcept;

/// Does a response with this status, to this method, ask for a request elsewhere that is made without asking the user?
[[nodiscard]] bool redirects(int status, std::string_view method) noexcept;

/// Is a header meant for one server only, so that another one, to which it redirects, must not get it?
[[nodiscard]] bool is_private(std::string_view name) noexcept;

/// Is a host to be asked directly, though there is a proxy?
///
/// @param list  hosts, separated by commas: a name stands for the domains below it, too, with a dot in front of it or
///              without; "host:port" for one port; "*" for all.
[[nodiscard]] bool bypasses_proxy(std::string_view list, std::string_view host, std::uint16_t port) noexcept;

}  // namespace copas::http
