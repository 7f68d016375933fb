#include "copas/http/url.hpp"

#include <algorithm>
#include <charconv>

#include "copas/http/error.hpp"
#include "copas/http/message.hpp"

namespace copas::http {
namespace {

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_control_or_blank(char c) noexcept { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }

// Splits off what follows the first `mark`, if it is there.
url_parts::part cut_behind(std::string_view& text, char mark) noexcept {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

url_parts::part cut_scheme(std::string_view& text) noexcept {
  const auto* const end =
      std::ranges::find_if(text, [](char c) { return !is_alphanumeric(c) && c != '+' && c != '-' && c != '.'; });
  if (end == text.begin() || end == text.end() || *end != ':' || !is_alphanumeric(text.front())) return {};
  const auto length = static_cast<std::size_t>(end - text.begin());
  const std::string_view scheme = text.substr(0, length);
  text.remove_prefix(length + 1);
  return scheme;
}

url_parts::part cut_authority(std::string_view& text) noexcept {
  if (!text.starts_with("//")) return {};
  text.remove_prefix(2);
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  text.remove_prefix(authority.size());
  return authority;
}

void split_authority(std::string_view rest, url_parts& parts) noexcept {
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view userinfo = rest.substr(0, at);
    const auto colon = userinfo.rfind(':');
    parts.userinfo = userinfo;
    parts.user = userinfo.substr(0, colon);
    if (colon != std::string_view::npos) parts.password = userinfo.substr(colon + 1);
    rest.remove_prefix(at + 1);
  }
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    parts.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return;
  const bool bracketed = rest.size() > 2 && rest.front() == '[' && rest.back() == ']';
  parts.host = bracketed ? rest.substr(1, rest.size() - 2) : rest;
}

void drop_last_segment(std::string& path) {
  const auto slash = path.rfind('/');
  path.resize(slash == std::string::npos ? 0 : slash);
}

// @see RFC 3986 section 5.2.4
std::string without_dots(std::string_view path) {
  std::string kept;
  while (!path.empty()) {
    const auto next = path.find('/', 1);
    const std::string_view segment = path.substr(0, next);
    path = next == std::string_view::npos ? std::string_view{} : path.substr(next);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") drop_last_segment(kept);
      if (path.empty()) kept += '/';
    } else {
      kept += segment;
    }
  }
  return kept;
}

void append(std::string& to, std::string_view mark, const url_parts::part& added) {
  if (added) to.append(mark).append(*added);
}

std::string merge(const url_parts& base, std::string_view relative) {
  const std::string_view path = base.path.value_or("");
  return std::string{path.empty() ? "/" : path.substr(0, path.rfind('/') + 1)}.append(relative);
}

std::string without_blanks(std::string_view text) {
  std::string escaped;
  for (const char each : text) each == ' ' ? escaped.append("%20") : escaped.append(1, each);
  return escaped;
}

// An IPv6 address stands in brackets.
std::string bracketed(const std::string& host) {
  return host.contains(':') ? std::string{"["}.append(host).append("]") : host;
}

}  // namespace

url_parts split_url(std::string_view text) noexcept {
  url_parts parts;
  parts.scheme = cut_scheme(text);
  parts.authority = cut_authority(text);
  parts.fragment = cut_behind(text, '#');
  parts.query = cut_behind(text, '?');
  parts.params = cut_behind(text, ';');
  if (!text.empty()) parts.path = text;
  if (parts.authority) split_authority(*parts.authority, parts);
  return parts;
}

std::string resolve(std::string_view base_text, std::string_view reference_with_blanks) {
  std::string reference_text = without_blanks(reference_with_blanks);
  const url_parts reference = split_url(reference_text);
  if (reference.scheme) return reference_text;
  const url_parts base = split_url(base_text);
  std::string made{base.scheme.value_or("http")};
  made += ':';
  if (reference.authority) return made.append(reference_text);

  append(made, "//", base.authority);
  url_parts::part params = reference.params;
  url_parts::part query = reference.query;
  if (reference.path) {
    made +=
        without_dots(reference.path->starts_with('/') ? std::string{*reference.path} : merge(base, *reference.path));
  } else if (reference.params) {  // replaces those of the base
    made += base.path.value_or("/");
  } else {
    made += base.path.value_or("/");
    params = base.params;
    if (!reference.query) query = base.query;
  }
  append(made, ";", params);
  append(made, "?", query);
  append(made, "#", reference.fragment);
  return made;
}

std::string target_of(const url_parts& parts) {
  std::string target{parts.path.value_or("")};
  if (!target.starts_with('/')) target.insert(target.begin(), '/');
  append(target, ";", parts.params);
  append(target, "?", parts.query);
  return target;
}

bool valid_host(std::string_view host) noexcept {
  return !host.empty() && std::ranges::none_of(host, [](char c) {
    return is_control_or_blank(c) || c == '/' || c == '?' || c == '#' || c == '@' || c == '\\';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || port == 0) return {};
  return port;
}

bool valid_target(std::string_view target) noexcept {
  return !target.empty() && std::ranges::none_of(target, is_control_or_blank);
}

result<url> url::parse(std::string_view text) {
  if (text.empty()) return std::unexpected{make_error_code(error::invalid_url)};
  const url_parts parts = split_url(text);
  url made;
  const std::string_view scheme = parts.scheme.value_or("");
  made.secure = equal_without_case(scheme, "https");
  if (!made.secure && !equal_without_case(scheme, "http")) {
    return std::unexpected{make_error_code(error::unsupported_scheme)};
  }
  if (!parts.host || !valid_host(*parts.host)) return std::unexpected{make_error_code(error::invalid_host)};
  made.host = *parts.host;
  made.port = made.secure ? 443 : 80;
  if (parts.port && !parts.port->empty()) {
    const auto port = parse_port(*parts.port);
    if (!port) return std::unexpected{make_error_code(error::invalid_port)};
    made.port = *port;
    made.has_port = true;
  }
  made.target = target_of(parts);
  if (!valid_target(made.target)) return std::unexpected{make_error_code(error::invalid_target)};
  made.user = parts.user.value_or("");
  made.password = parts.password.value_or("");
  return made;
}

std::string url::authority() const { return has_port ? host_and_port() : bracketed(host); }

std::string url::host_and_port() const { return bracketed(host).append(":").append(std::to_string(port)); }

std::string url::text() const { return std::string{scheme()} + "://" + authority() + target; }

bool url::same_origin(const url& other) const noexcept {
  return secure == other.secure && port == other.port && equal_without_case(host, other.host);
}

}  // namespace copas::http
