#pragma once

#include <sys/types.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "load/connect.hpp"

namespace load {

/// The command line; `usage` says what each means.
struct options {
  std::uint16_t port = 0;
  std::size_t connections = 50;
  std::size_t idle = 0;
  greeting greet = greeting::wave;
  double seconds = 0;  // 0: two, or up to a minute when `requests` limits the run
  std::uint64_t requests = std::numeric_limits<std::uint64_t>::max();
  double warmup = 0.3;
  std::size_t bytes = 32;
  std::size_t depth = 1;
  protocol by = protocol::tcp;
  bool encrypted = false;
  bool resumed = false;
  pid_t pid = 0;
};

inline constexpr std::string_view usage =
    R"(usage: load-echo --port PORT [option...]

Each connection sends a line to 127.0.0.1:PORT, waits for its echo, and sends the next. Prints one JSON object.

  --connections N  busy connections, 0 to 100000 (50)
  --seconds S      length of the measured window (2; with --requests at most 60)
  --requests N     end the window after N answers
  --warmup S       seconds of the same load before it (0.3)
  --bytes N        length of the line with its LF, 2 to 65536 (32)
  --depth N        send N lines at once, 1 to 1000, and wait for all their echoes; latencies are those of all N (1)
  --idle M         further connections, opened first, that say nothing; every 32nd has said one line
  --greet-each     all of them exchange one line before they fall silent
  --udp            datagrams in place of lines, one in flight on each socket
  --tls            encrypted
  --resumed        (load-handshakes) resume sessions
  --pid PID        the server process, to measure its CPU time and memory
)";

template <class Number>
Number number_in(std::string_view text, Number from, Number to) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= from && value <= to)) {
    throw std::invalid_argument{"not a number in range: " + std::string{text}};
  }
  return value;
}

inline options parse(std::span<char*> arguments) {
  options chosen;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view name = arguments[at];
    if (name == "--greet-each") {
      chosen.greet = greeting::each;
      continue;
    }
    if (name == "--udp") {
      chosen.by = protocol::udp;
      continue;
    }
    if (name == "--tls") {
      chosen.encrypted = true;
      continue;
    }
    if (name == "--resumed") {
      chosen.resumed = true;
      continue;
    }
    if (++at == arguments.size()) throw std::invalid_argument{"no value after " + std::string{name}};
    const std::string_view value = arguments[at];
    if (name == "--port")
      chosen.port = number_in<std::uint16_t>(value, 1, 65535);
    else if (name == "--connections")
      chosen.connections = number_in<std::size_t>(value, 0, 100'000);
    else if (name == "--idle")
      chosen.idle = number_in<std::size_t>(value, 0, 100'000);
    else if (name == "--seconds")
      chosen.seconds = number_in<double>(value, 0.001, 3600);
    else if (name == "--requests")
      chosen.requests = number_in<std::uint64_t>(value, 1, chosen.requests);
    else if (name == "--warmup")
      chosen.warmup = number_in<double>(value, 0, 60);
    else if (name == "--bytes")
      chosen.bytes = number_in<std::size_t>(value, 2, 65'536);
    else if (name == "--depth")
      chosen.depth = number_in<std::size_t>(value, 1, 1000);
    else if (name == "--pid")
      chosen.pid = number_in<pid_t>(value, 1, std::numeric_limits<pid_t>::max());
    else
      throw std::invalid_argument{"unknown option " + std::string{name}};
  }
  if (chosen.port == 0) throw std::invalid_argument{"--port is missing"};
  const bool counted = chosen.requests != options{}.requests;
  if (chosen.seconds == 0) chosen.seconds = counted ? 60 : 2;
  return chosen;
}

}  // namespace load
