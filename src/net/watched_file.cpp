#include "net/watched_file.hpp"

#include <sys/stat.h>

#include <utility>

namespace copas {

bool watched_file::changed() noexcept {
  stamp now;
  struct stat found{};
  if (::stat(path_.c_str(), &found) == 0) {
    now = {.device = found.st_dev,
           .number = found.st_ino,
           .size = found.st_size,
           .seconds = found.st_mtim.tv_sec,
           .nanoseconds = found.st_mtim.tv_nsec};
  }
  const bool first = !std::exchange(asked_, true);
  return std::exchange(seen_, now) != now || first;
}

}  // namespace copas
