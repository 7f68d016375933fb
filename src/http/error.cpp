#include "copas/http/error.hpp"

#include <string>

namespace copas::http {
namespace {

const char* text_of(error code) noexcept {
  switch (code) {
    case error::invalid_url: return "invalid url";
    case error::unsupported_scheme: return "unsupported scheme";
    case error::invalid_host: return "invalid host";
    case error::invalid_port: return "invalid port";
    case error::invalid_method: return "invalid method";
    case error::invalid_target: return "invalid request target";
    case error::invalid_field_name: return "invalid header name";
    case error::invalid_field_value: return "invalid value of header";
    case error::not_http: return "not an answer of HTTP/1";
    case error::malformed_status_line: return "malformed status line";
    case error::malformed_headers: return "malformed reponse headers";  // as LuaSocket and Copas spell it
    case error::headers_too_large: return "response headers too large";
    case error::invalid_content_length: return "invalid content-length";
    case error::conflicting_lengths: return "both content-length and transfer-encoding";
    case error::unsupported_transfer_encoding: return "unsupported transfer-encoding";
    case error::invalid_chunk: return "invalid chunk size";
    case error::body_too_large: return "response body too large";
    case error::malformed_content: return "malformed compressed content";
    case error::insecure_redirect: return "Unallowed insecure redirect https to http";
    case error::proxy_refused: return "the proxy refuses to connect";
  }
  return "unknown error";
}

class errors final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http"; }
  [[nodiscard]] std::string message(int code) const override { return text_of(static_cast<error>(code)); }
};

}  // namespace

const std::error_category& category() noexcept {
  static const errors only;
  return only;
}

}  // namespace copas::http
