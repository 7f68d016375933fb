#pragma once

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>

namespace load {

/// What another process has used so far.
class process {
 public:
  explicit process(pid_t pid) : pid_{pid} {
    if (const int error = clock_getcpuclockid(pid, &clock_); error != 0) {
      throw std::system_error{error, std::generic_category(), "clock_getcpuclockid"};
    }
  }

  /// User and system time of all its threads, ended ones too. The process's CPU clock counts nanoseconds, where
  /// /proc/PID/stat counts ticks of 10 ms.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const {
    timespec used{};
    if (clock_gettime(clock_, &used) != 0) {
      throw std::system_error{errno, std::generic_category(), "the server has ended"};
    }
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
  }

  /// Resident memory, counted page by page: VmRSS in /proc/PID/status may be off by tens of pages for each core,
  /// which is a lot when it is divided by the number of connections.
  [[nodiscard]] std::int64_t resident_bytes() const {
    std::ifstream file{"/proc/" + std::to_string(pid_) + "/smaps_rollup"};
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');  // the range of addresses
    std::string name;
    std::string unit;
    for (std::int64_t kib = 0; file >> name >> kib >> unit;) {
      if (name == "Rss:") return kib * 1024;
    }
    throw std::runtime_error{"no resident size in /proc/PID/smaps_rollup"};
  }

 private:
  pid_t pid_;
  clockid_t clock_{};
};

}  // namespace load
