#pragma once

#include <string>

namespace copas {

/// Whether a file has changed since it was read last.
class watched_file {
 public:
  explicit watched_file(std::string path) noexcept : path_{std::move(path)} {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// True when it is asked for the first time, and whenever the file is another one than it was then. @see stat(2)
  [[nodiscard]] bool changed() noexcept;

 private:
  struct stamp {
    unsigned long long device = 0;
    unsigned long long number = 0;
    long long size = -1;  // no file
    long long seconds = 0;
    long nanoseconds = 0;

    friend bool operator==(const stamp&, const stamp&) = default;
  };

  std::string path_;
  stamp seen_;
  bool asked_ = false;
};

}  // namespace copas
