#pragma once

#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "copas/core/task.hpp"
#include "copas/io/stream.hpp"
#include "support/peer.hpp"

namespace copas::testing {

/// What a receive came to.
struct text {
  std::string bytes;
  std::error_code error;

  friend bool operator==(const text&, const text&) = default;
};
void PrintTo(const text& value, std::ostream* out);

inline text fine(std::string bytes) { return {.bytes = std::move(bytes), .error = {}}; }
inline text failed(std::error_code why, std::string bytes = {}) { return {.bytes = std::move(bytes), .error = why}; }

/// A receive pattern that waits for a number of bytes.
inline receive_pattern exactly(std::size_t count) { return {.what = receive_pattern::kind::exactly, .count = count}; }
inline constexpr receive_pattern line{.what = receive_pattern::kind::line};
inline constexpr receive_pattern all{.what = receive_pattern::kind::all};
/// The same, satisfied with a part.
inline receive_pattern part_of(receive_pattern pattern) {
  pattern.partial = true;
  return pattern;
}

task<text> receive(loop& events, ref<stream> from, receive_pattern pattern, std::string prefix = {},
                   deadline until = never);
task<text> receive_some(loop& events, ref<stream> from, std::size_t room, deadline until = never);
/// @param bytes  alive until the task ends
task<transfer> send(loop& events, ref<stream> to, std::string_view bytes, deadline until = never);

/// One end of a connection as a stream of the library, the other one in the hands of the test.
struct connection {
  explicit connection(connected_pair pair) : ours{new stream{std::move(pair.ours)}}, theirs{std::move(pair.theirs)} {}
  connection() : connection{make_connection()} {}
  ~connection() { ours->close(); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  ref<stream> ours;
  peer theirs;
};

/// Bytes that look random and contain line ends; the same for the same seed.
[[nodiscard]] std::string noise(std::size_t length, unsigned seed = 1);

}  // namespace copas::testing
