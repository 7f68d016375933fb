#pragma once

#include <cstdint>
#include <system_error>
#include <type_traits>

namespace copas::http {

/// What can be wrong with a request, or with the answer to it.
enum class error : std::uint8_t {
  invalid_url = 1,
  unsupported_scheme,
  invalid_host,
  invalid_port,
  invalid_method,
  invalid_target,       ///< of a request: a control character, a blank
  invalid_field_name,   ///< of a request
  invalid_field_value,  ///< of a request: it could end its line
  not_http,             ///< the answer does not begin as one of HTTP/1
  malformed_status_line,
  malformed_headers,
  headers_too_large,
  invalid_content_length,
  conflicting_lengths,  ///< both content-length and transfer-encoding
  unsupported_transfer_encoding,
  invalid_chunk,
  body_too_large,
  malformed_content,    ///< of gzip or deflate
  insecure_redirect,    ///< from https to http
  proxy_refused,
};

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(error code) noexcept {
  return {static_cast<int>(code), category()};
}

}  // namespace copas::http

template <>
struct std::is_error_code_enum<copas::http::error> : std::true_type {};
