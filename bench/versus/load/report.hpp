#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "load/histogram.hpp"
#include "load/options.hpp"

namespace load {

/// What a run found out. The fields that are optional need the server's process.
struct result {
  histogram latencies;
  std::chrono::duration<double> window{};
  std::uint64_t errors = 0;
  std::optional<std::chrono::duration<double, std::micro>> cpu;  // server time in the window
  std::optional<std::int64_t> resident_before;                   // bytes
  std::optional<std::int64_t> resident_open;                     // with all connections open
};

inline double microseconds(std::uint64_t nanoseconds) noexcept { return static_cast<double>(nanoseconds) / 1e3; }

/// Prints one line, one JSON object; what was not measured is null.
inline void print(const options& chosen, const result& found) {
  const auto& took = found.latencies;
  const auto requests = static_cast<double>(took.total() * chosen.depth);
  std::printf(R"({"connections": %zu, "idle": %zu, "bytes": %zu, "depth": %zu, )", chosen.connections, chosen.idle,
              chosen.bytes, chosen.depth);
  std::printf(R"("requests": %.0f, "seconds": %.4f, )", requests, found.window.count());
  std::printf(R"("requests_per_s": %.1f, )", requests / found.window.count());
  if (found.cpu)
    std::printf(R"("server_cpu_s": %.6f, )", found.cpu->count() / 1e6);
  else
    std::printf(R"("server_cpu_s": null, )");
  if (found.cpu && requests > 0) {
    std::printf(R"("server_cpu_us_per_request": %.4f, )", found.cpu->count() / requests);
  } else {
    std::printf(R"("server_cpu_us_per_request": null, )");
  }
  std::printf(R"("latency_us": {"p50": %.2f, "p90": %.2f, "p99": %.2f, "p999": %.2f, "max": %.2f}, )",
              microseconds(took.quantile(0.5)), microseconds(took.quantile(0.9)), microseconds(took.quantile(0.99)),
              microseconds(took.quantile(0.999)), microseconds(took.max()));
  if (found.resident_before && found.resident_open) {
    std::printf(R"("rss_before_bytes": %lld, "rss_open_bytes": %lld, )", static_cast<long long>(*found.resident_before),
                static_cast<long long>(*found.resident_open));
  } else {
    std::printf(R"("rss_before_bytes": null, "rss_open_bytes": null, )");
  }
  std::printf("\"errors\": %llu}\n", static_cast<unsigned long long>(found.errors));
}

}  // namespace load
