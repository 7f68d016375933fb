#include "copas/http/policy.hpp"

#include <algorithm>
#include <array>

#include "copas/http/message.hpp"
#include "copas/http/url.hpp"

namespace copas::http {
namespace {

constexpr std::array<std::string_view, 6> idempotent{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
constexpr std::array<int, 5> redirecting{301, 302, 303, 307, 308};
constexpr std::array<std::string_view, 4> for_one_server{"authorization", "cookie", "host", "proxy-authorization"};

// Does an element of the list stand for the host?
bool covers(std::string_view element, std::string_view host, std::uint16_t port) noexcept {
  if (element == "*") return true;
  const auto colon = element.rfind(':');
  const bool one_colon = colon != std::string_view::npos && element.find(':') == colon;
  if (one_colon) {
    if (parse_port(element.substr(colon + 1)) != port) return false;
    element = element.substr(0, colon);
  }
  if (element.starts_with('[') && element.ends_with(']')) element = element.substr(1, element.size() - 2);
  if (element.starts_with('.')) element.remove_prefix(1);
  if (element.empty() || element.size() > host.size()) return false;
  const std::string_view tail = host.substr(host.size() - element.size());
  const bool whole_labels = tail.size() == host.size() || host[host.size() - tail.size() - 1] == '.';
  return whole_labels && equal_without_case(tail, element);
}

}  // namespace

bool is_idempotent(std::string_view method) noexcept {
  return std::ranges::find(idempotent, method) != idempotent.end();
}

bool redirects(int status, std::string_view method) noexcept {
  return std::ranges::find(redirecting, status) != redirecting.end() && (method == "GET" || method == "HEAD");
}

bool is_private(std::string_view name) noexcept {
  return std::ranges::any_of(for_one_server, [&](std::string_view each) { return equal_without_case(each, name); });
}

bool bypasses_proxy(std::string_view list, std::string_view host, std::uint16_t port) noexcept {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (covers(trimmed(list.substr(0, comma)), host, port)) return true;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

}  // namespace copas::http
