#include "copas/http/message.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "copas/http/error.hpp"
#include "copas/http/url.hpp"

namespace copas::http {
namespace {

bool is_token_character(char c) noexcept {
  if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
}

}  // namespace

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equal_without_case(std::string_view one, std::string_view other) noexcept {
  return std::ranges::equal(one, other, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_token(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_token_character); }

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::none_of(text,
                              [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; });
}

void fields::set(std::string_view name, std::string_view value) {
  erase(name);
  add(name, value);
}

void fields::erase(std::string_view name) noexcept {
  std::erase_if(all_, [&](const field& each) { return equal_without_case(each.name, name); });
}

std::optional<std::string> fields::get(std::string_view name) const {
  std::optional<std::string> found;
  for (const field& each : all_) {
    if (!equal_without_case(each.name, name)) continue;
    found = found ? *found + ", " + each.value : each.value;
  }
  return found;
}

bool fields::has(std::string_view name) const noexcept {
  return std::ranges::any_of(all_, [&](const field& each) { return equal_without_case(each.name, name); });
}

bool fields::lists(std::string_view name, std::string_view token) const noexcept {
  for (const field& each : all_) {
    if (!equal_without_case(each.name, name)) continue;
    std::string_view rest = each.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (equal_without_case(trimmed(rest.substr(0, comma)), token)) return true;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  return false;
}

std::error_code append_request_line(std::string& to, std::string_view method, std::string_view target) {
  if (!is_token(method)) return error::invalid_method;
  if (!valid_target(target)) return error::invalid_target;
  to.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  return {};
}

std::error_code append_field(std::string& to, std::string_view name, std::string_view value) {
  if (!is_token(name)) return error::invalid_field_name;
  if (!is_field_value(value)) return error::invalid_field_value;
  to.append(name).append(": ").append(value).append("\r\n");
  return {};
}

void append_chunk(std::string& to, std::string_view bytes) {
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zX\r\n", bytes.size());
  to.append(size, static_cast<std::size_t>(length)).append(bytes).append("\r\n");
}

std::string basic_credentials(std::string_view user, std::string_view password) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string plain = std::string{user} + ":" + std::string{password};
  std::string made = "Basic ";
  for (std::size_t at = 0; at < plain.size(); at += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, plain.size() - at);
    for (std::size_t each = 0; each < 3; ++each) {
      group = group << 8 | (each < count ? static_cast<unsigned char>(plain[at + each]) : 0U);
    }
    for (std::size_t each = 0; each < 4; ++each) {
      made += each <= count ? alphabet[group >> (18 - 6 * each) & 63] : '=';
    }
  }
  return made;
}

}  // namespace copas::http
