#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace copas::http {

/// A header or trailer field.
struct field {
  std::string name;
  std::string value;
};

/// The fields of a message, in their order. Names are compared without case.
class fields {
 public:
  void add(std::string_view name, std::string_view value) { all_.push_back({std::string{name}, std::string{value}}); }
  /// Replaces all fields of that name.
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name) noexcept;
  void drop_last() noexcept { all_.pop_back(); }
  void clear() noexcept { all_.clear(); }
  void reserve(std::size_t count) { all_.reserve(count); }

  /// The value of a field; those of several with the name are joined by ", ".
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  /// Is `token` an element of the comma-separated list that the fields of that name hold?
  [[nodiscard]] bool lists(std::string_view name, std::string_view token) const noexcept;

  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] field& back() noexcept { return all_.back(); }

 private:
  std::vector<field> all_;
};

[[nodiscard]] char lower(char c) noexcept;
[[nodiscard]] bool equal_without_case(std::string_view one, std::string_view other) noexcept;
/// The text without blanks and tabs at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// @see RFC 9110 section 5.6.2
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Can it be the value of a field, so that it neither ends its line nor hides something?
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// Adds the request line. @error error::invalid_method, invalid_target; nothing is added then
[[nodiscard]] std::error_code append_request_line(std::string& to, std::string_view method, std::string_view target);
/// Adds a line. @error error::invalid_field_name, invalid_field_value; nothing is added then
[[nodiscard]] std::error_code append_field(std::string& to, std::string_view name, std::string_view value);
/// Adds a chunk with these bytes, of which there is at least one.
void append_chunk(std::string& to, std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// "Basic ...": the credentials of a user. @see RFC 7617
[[nodiscard]] std::string basic_credentials(std::string_view user, std::string_view password);

}  // namespace copas::http
