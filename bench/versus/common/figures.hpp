#pragma once

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace figures {

/// CPU time that this process has used, in microseconds.
inline double cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Resident memory of this process, in bytes.
inline double memory() {
  long pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// One line of the program's output.
inline void print(const char* name, double value, const char* unit) {
  std::printf("%s %.6g %s\n", name, value, unit);
  std::fflush(stdout);
}

/// The number that the program was called with.
inline long argument(int count, char** arguments, long otherwise) {
  return count > 1 ? std::strtol(arguments[1], nullptr, 10) : otherwise;
}

/// Ends the program if what it measured was not what it should measure.
inline void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "not measured: %s\n", what);
  std::exit(1);
}

/// Numbers from 0 to 1, spread evenly and in no order: the same in all programs.
inline double spread(long number) {
  const double product = static_cast<double>(number) * 0.6180339887498949;
  return product - static_cast<double>(static_cast<long>(product));
}

}  // namespace figures
