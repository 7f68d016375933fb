#pragma once

#include <string>

namespace copas::testing {

/// A path of a file that does not exist, in a directory of its own, which goes with the object.
class temporary_path {
 public:
  temporary_path();
  ~temporary_path();
  temporary_path(const temporary_path&) = delete;
  temporary_path& operator=(const temporary_path&) = delete;

  [[nodiscard]] const std::string& text() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace copas::testing
