#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace load {

/// Owns a file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  [[nodiscard]] int number() const noexcept { return number_; }

  void close() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// The result of a system call, or the std::system_error that `errno` stands for.
inline int checked(int result, const char* call) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), call};
  return result;
}

/// Makes room for `count` descriptors beyond the few that every process has open.
inline void allow_descriptors(rlim_t count) {
  constexpr rlim_t others = 16;
  rlimit limit{};
  checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  if (limit.rlim_cur >= count + others) return;
  limit.rlim_cur = count + others;
  if (limit.rlim_max < limit.rlim_cur) limit.rlim_max = limit.rlim_cur;  // needs privilege
  checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit: too many connections for this user");
}

}  // namespace load
