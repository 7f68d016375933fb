#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "copas/http/reader.hpp"

// What must hold for any bytes that a server may send, for the fuzzer and for the test that runs its seeds.
namespace copas::http::fuzz {

/// All that a response came to, as a text.
inline std::string reading_of(std::string_view bytes, response_rules rules, body_rules body, std::size_t piece) {
  response_reader reader{rules, body};
  std::string content;
  std::size_t offset = 0;
  const char* end = "more";
  while (true) {
    const std::string_view next = bytes.substr(offset, piece);
    const response_step step = reader.feed(next);
    if (step.taken > next.size()) return "took more than it was given";
    offset += step.taken;
    content += step.piece;
    if (step.what == response_event::failed) return "failed: " + reader.failure_text();
    if (step.what == response_event::end) {
      end = "end";
      break;
    }
    if (step.what == response_event::more && step.taken == 0 && offset == bytes.size()) {
      if (reader.finish().what == response_event::failed) return "failed: " + reader.failure_text();
      break;
    }
  }
  std::string all = end + (" " + std::to_string(offset)) + " " + std::to_string(reader.parser().status()) + "\n";
  for (const field& each : reader.parser().headers()) all += each.name + ": " + each.value + "\n";
  return all + "\n" + content;
}

/// @return  what is wrong; empty if nothing is.
inline std::string check_response(std::string_view bytes) {
  const bool head = bytes.size() % 7 == 0;
  const response_rules rules{.answers_head = head, .accepts_http09 = bytes.size() % 5 == 0, .most_head = 2048};
  const body_rules body{
      .decompresses = bytes.size() % 2 == 0, .most_body = 1U << 20U, .whole_chunks = bytes.size() % 3 == 0};
  const std::string whole = reading_of(bytes, rules, body, bytes.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}}) {
    const std::string other = reading_of(bytes, rules, body, piece);
    // How much of what is malformed is looked at before it fails may differ, and with it, what is wrong first.
    if (whole.starts_with("failed") && other.starts_with("failed")) continue;
    if (whole != other) return "in one piece: " + whole + "\nin pieces: " + other;
  }
  if (whole.starts_with("took")) return whole;
  return "";
}

}  // namespace copas::http::fuzz
