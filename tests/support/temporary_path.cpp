#include "support/temporary_path.hpp"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace copas::testing {

temporary_path::temporary_path() {
  std::string folder = std::filesystem::temp_directory_path() / "copas-test-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) throw std::system_error{errno, std::system_category(), "mkdtemp"};
  path_ = folder + "/socket";
}

temporary_path::~temporary_path() {
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path{path_}.parent_path(), ignored);
}

}  // namespace copas::testing
