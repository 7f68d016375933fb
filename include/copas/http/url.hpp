#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "copas/core/result.hpp"

namespace copas::http {

/// The parts of a URL as they are written in it, undecoded; a part that it does not have is none.
///
/// @invariant  all are views into the text that was split.
struct url_parts {
  using part = std::optional<std::string_view>;

  part scheme, authority, userinfo, user, password;
  part host;  ///< without the brackets of an IPv6 address
  part port;  ///< may be empty
  part path, params, query, fragment;
};

/// Splits any URL or relative reference: what cannot be another part is the path. @see RFC 3986, RFC 2396 for `params`
[[nodiscard]] url_parts split_url(std::string_view text) noexcept;

/// The URL that `reference` stands for in a document at `base`. Blanks in it, which some servers send in `location`
/// though they must not, are escaped. @see RFC 3986 section 5.2
[[nodiscard]] std::string resolve(std::string_view base, std::string_view reference);

/// What follows the authority in a request: the path, "/" if there is none, with parameters and query.
[[nodiscard]] std::string target_of(const url_parts& parts);

/// The checks that every request makes before anything is sent.
[[nodiscard]] bool valid_host(std::string_view host) noexcept;
/// @return  1 to 65535, or none.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;
/// Neither a blank nor a control character is in it.
[[nodiscard]] bool valid_target(std::string_view target) noexcept;

/// The address of a resource that can be requested, checked.
struct url {
  bool secure = false;      ///< https
  std::string host;         ///< without the brackets of an IPv6 address
  std::uint16_t port = 80;  ///< that of the scheme, if the URL names none
  std::string target;       ///< path, parameters and query
  std::string user{};       ///< as they are written in the URL
  std::string password{};
  bool has_port = false;  ///< the URL names it

  /// @error error::invalid_url, unsupported_scheme, invalid_host, invalid_port, invalid_target
  [[nodiscard]] static result<url> parse(std::string_view text);

  /// The value of the header `host`.
  [[nodiscard]] std::string authority() const;
  /// Host and port, the port always: what a proxy is asked to connect to.
  [[nodiscard]] std::string host_and_port() const;
  [[nodiscard]] const char* scheme() const noexcept { return secure ? "https" : "http"; }
  /// Scheme, authority and target: what a proxy is asked for.
  [[nodiscard]] std::string text() const;
  /// Is it at the same scheme, host and port?
  [[nodiscard]] bool same_origin(const url& other) const noexcept;
};

}  // namespace copas::http
