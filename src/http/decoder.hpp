#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace copas::http {

/// Undoes gzip or deflate, a piece at a time. It is the one place that knows zlib.
class decoder {
 public:
  /// Does it know the value of this `content-encoding`?
  [[nodiscard]] static bool knows(std::string_view coding) noexcept;

  /// @param coding  a known one.
  explicit decoder(std::string_view coding);
  decoder(decoder&&) noexcept;
  decoder& operator=(decoder&&) noexcept;
  ~decoder();

  /// Takes compressed bytes from the front of `from`, and appends at most `most` bytes to `to`.
  /// @return  false if they are malformed.
  [[nodiscard]] bool decode(std::string_view& from, std::string& to, std::size_t most);
  /// Has it come to the end of what was compressed? Nothing at all counts, too.
  [[nodiscard]] bool complete() const noexcept;

 private:
  class machine;
  std::unique_ptr<machine> machine_;
};

}  // namespace copas::http
