// The peer of a server that sends or receives a lot on one connection. Receiving, it asks as one asks a web server,
// and counts what comes; sending, it waits for the answer at the end.
//   load-bulk --port PORT --pid PID --bytes N [--send] [--tls] [--path PATH]
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "load/connect.hpp"
#include "load/connection.hpp"
#include "load/options.hpp"
#include "load/process.hpp"

namespace {

struct job {
  std::uint16_t port = 0;
  pid_t pid = 0;
  std::uint64_t bytes = 0;
  bool sends = false;
  bool encrypted = false;
  std::string_view path = "/bulk";
};

job parse(std::span<char*> words) {
  job found;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view name = words[at];
    if (name == "--send") {
      found.sends = true;
    } else if (name == "--tls") {
      found.encrypted = true;
    } else if (++at == words.size()) {
      throw std::invalid_argument{"no value after " + std::string{name}};
    } else if (name == "--port") {
      found.port = load::number_in<std::uint16_t>(words[at], 1, 65535);
    } else if (name == "--pid") {
      found.pid = load::number_in<pid_t>(words[at], 1, std::numeric_limits<pid_t>::max());
    } else if (name == "--bytes") {
      found.bytes = load::number_in<std::uint64_t>(words[at], 1, std::uint64_t{1} << 40);
    } else if (name == "--path") {
      found.path = words[at];
    } else {
      throw std::invalid_argument{"unknown option " + std::string{name}};
    }
  }
  return found;
}

constexpr std::size_t block = std::size_t{256} * 1024;

void send_bytes(load::connection& to, std::uint64_t left) {
  const std::string text(block, 'x');
  while (left > 0) {
    const auto size = std::min<std::uint64_t>(left, block);
    load::send_all(to, std::string_view{text}.substr(0, size));
    left -= size;
  }
  std::string answer(5, '\0');
  if (to.receive(answer.data(), answer.size()) != 5 || answer != "done\n") throw std::runtime_error{"no answer"};
}

void receive_bytes(load::connection& from, std::uint64_t wanted, std::string_view path) {
  load::send_all(from, "GET " + std::string{path} + " HTTP/1.0\r\n\r\n");
  std::string space(block, '\0');
  std::uint64_t received = 0;
  while (received < wanted) {
    const auto count = from.receive(space.data(), space.size());
    if (count <= 0) throw std::runtime_error{"only " + std::to_string(received) + " bytes came"};
    received += static_cast<std::uint64_t>(count);
  }
}

void measure(const job& what) {
  using clock = std::chrono::steady_clock;
  const auto context = what.encrypted ? load::make_client_context() : load::tls_context{};
  const load::process server{what.pid};
  const auto resident_before = server.resident_bytes();
  const auto cpu_before = server.cpu_time();
  const auto began = clock::now();
  auto connection = load::connect_to({what.port, load::protocol::tcp, context.get()});
  if (what.sends) {
    send_bytes(connection, what.bytes);
  } else {
    receive_bytes(connection, what.bytes, what.path);
  }
  const std::chrono::duration<double> took = clock::now() - began;
  const std::chrono::duration<double> cpu = server.cpu_time() - cpu_before;
  const auto gib = static_cast<double>(what.bytes) / (1 << 30);
  std::printf(R"({"server_cpu_ms_per_gib": %.3f, "mib_per_s": %.1f, "rss_growth_bytes": %lld})",
              cpu.count() * 1e3 / gib, gib * 1024 / took.count(),
              static_cast<long long>(server.resident_bytes() - resident_before));
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    measure(parse(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load-bulk: %s\n", error.what());
    return 1;
  }
}
