#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "copas/http/error.hpp"

namespace copas::http {

/// How the end of a response's body is known.
struct framing {
  enum class kind : std::uint8_t { none, counted, chunked, until_close };

  kind how = kind::none;
  std::uint64_t length = 0;  ///< of a counted one
};

/// Why a response is refused, and what of it is to blame.
struct refusal {
  error why;
  std::string text;
};

/// What the fields say of the body of a response that has one. In doubt it is an error, never a guess.
///
/// @param lengths  the values of all content-length fields, without blanks around them.
/// @param codings  those of all transfer-encoding fields.
/// @see RFC 9112 section 6.3
[[nodiscard]] std::expected<framing, refusal> frame_body(const std::vector<std::string>& lengths,
                                                         const std::vector<std::string>& codings);

}  // namespace copas::http
