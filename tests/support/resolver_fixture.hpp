#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/net/resolver.hpp"
#include "support/name_server.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/temporary_path.hpp"

namespace copas::testing {

inline std::error_code resolver_error(int code) { return {code, resolver_category()}; }

/// The hosts that were found, or the error.
inline std::vector<std::string> hosts_of(const result<std::vector<address>>& found) {
  std::vector<std::string> hosts;
  if (!found) return {found.error().message()};
  for (const address& each : *found) hosts.push_back(each.host());
  return hosts;
}

inline void write_file(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

/// Names are looked up by servers of the test alone: no question leaves this machine.
class Resolver : public world_test {
 public:
  Resolver() {
    write_file(hosts.text(), "192.0.2.1 printer.test printer  # in the corner\n2001:db8::1 printer.test\n");
    write_file(resolv_conf.text(), "nameserver 127.0.0.1\n");
    how.hosts = hosts.text();
    how.resolv_conf = resolv_conf.text();
    how.domains.emplace();
    how.timeout = std::chrono::seconds{5};
  }

  /// A resolver that asks these servers.
  resolver& asking(std::vector<address> servers) {
    how.servers = std::move(servers);
    names.emplace(events, how, &dns::cares_engine());
    return *names;
  }
  resolver& asking(const name_server& server) { return asking(std::vector{server.where()}); }

  result<std::vector<address>> look_up(lookup_request what, deadline until = never) {
    auto body = [](resolver& by, lookup_request asked, deadline limit) -> task<result<std::vector<address>>> {
      auto lookup = by.look_up(std::move(asked), limit);
      co_return co_await lookup;
    };
    return run(events, body(*names, std::move(what), until));
  }
  result<std::vector<address>> look_up(const std::string& host) { return look_up({host, "80"}); }
  /// Of IPv4 alone: one question.
  result<std::vector<address>> look_up_4(const std::string& host) { return look_up({host, "80", family::inet4}); }

  /// The same in a task, which leaves what was found in `found`.
  void begin_look_up_4(scope& tasks, const std::string& host, std::optional<result<std::vector<address>>>& found) {
    auto body = [](resolver& by, std::string name, std::optional<result<std::vector<address>>>& into) -> task<> {
      auto lookup = by.look_up({std::move(name), "80", family::inet4});
      into = co_await lookup;
    };
    tasks.spawn(body(*names, host, found));
  }

  result<host_entry> look_up_host(const std::string& name) {
    auto body = [](resolver& by, std::string asked) -> task<result<host_entry>> {
      auto lookup = by.look_up_host(std::move(asked), family::inet4);
      co_return co_await lookup;
    };
    return run(events, body(*names, name));
  }
  result<host_entry> look_up_name(const address& of) {
    auto body = [](resolver& by, address asked) -> task<result<host_entry>> {
      auto lookup = by.look_up_name(asked);
      co_return co_await lookup;
    };
    return run(events, body(*names, of));
  }

  temporary_path hosts;
  temporary_path resolv_conf;
  resolver_options how;
  std::optional<resolver> names;
};

}  // namespace copas::testing
