// A closed-loop load generator for line echo servers: it measures the server from outside, so that servers in any
// language are compared by the same means.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "load/closed_loop.hpp"
#include "load/connect.hpp"
#include "load/connection.hpp"
#include "load/descriptor.hpp"
#include "load/options.hpp"
#include "load/process.hpp"
#include "load/report.hpp"

namespace {

std::string line_of(std::size_t bytes) {
  constexpr std::string_view text = "hello world 0123456789 ";
  std::string line;
  while (line.size() < bytes) line += text;
  line.resize(bytes - 1);
  return line + '\n';
}

/// Lets the server do once what it does only once (load code, grow its first tables), so that this is not taken
/// for the cost of the connections that follow.
void prime(const load::target& server, std::string_view line) {
  auto connection = load::connect_to(server);
  for (int i = 0; i < 100; ++i) load::exchange(connection, line);
}

load::clock::duration in_clock(double seconds) {
  return std::chrono::duration_cast<load::clock::duration>(std::chrono::duration<double>{seconds});
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

load::result measure(const load::options& chosen) {
  const auto line = line_of(chosen.bytes);
  const auto lines = repeated(line, chosen.depth);
  const auto context = chosen.encrypted ? load::make_client_context() : load::tls_context{};
  const load::target target{chosen.port, chosen.by, context.get()};
  std::optional<load::process> server;
  if (chosen.pid != 0) server.emplace(chosen.pid);
  load::result found;

  load::allow_descriptors(chosen.connections + chosen.idle);
  prime(target, line);
  if (server) found.resident_before = server->resident_bytes();
  const auto silent = load::open_connections(target, chosen.idle, line, chosen.greet);
  load::closed_loop busy{load::open_connections(target, chosen.connections, line, load::greeting::wave), lines};
  busy.start();
  busy.run(load::clock::now() + in_clock(chosen.warmup));

  const auto cpu_before = server ? server->cpu_time() : std::chrono::nanoseconds{};
  const auto began = load::clock::now();
  found.latencies = busy.run(began + in_clock(chosen.seconds), chosen.requests);
  found.window = load::clock::now() - began;
  if (server) {
    found.cpu = server->cpu_time() - cpu_before;
    found.resident_open = server->resident_bytes();
  }

  busy.drain(std::chrono::seconds{2});
  found.errors = busy.errors();
  return found;
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  try {
    const auto chosen = load::parse(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1));
    load::print(chosen, measure(chosen));
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "load-echo: %s\n%.*s", error.what(), static_cast<int>(load::usage.size()), load::usage.data());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load-echo: %s\n", error.what());
    return 1;
  }
}
