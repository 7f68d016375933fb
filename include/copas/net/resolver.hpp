#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/wait_list.hpp"
#include "copas/net/address.hpp"
#include "copas/net/dns_engine.hpp"

namespace copas {

/// How names are looked up. What is not set is as the system's files say.
struct resolver_options {
  enum class way : std::uint8_t {
    dns,     ///< by /etc/hosts and name servers, without a thread
    system,  ///< by getaddrinfo(3) on a helper thread: whatever nsswitch.conf(5) has, such as mDNS or LDAP
  };

  way mode = way::dns;
  std::vector<address> servers;  ///< name servers; port 0 is 53
  std::optional<std::chrono::milliseconds> timeout;  ///< for an answer of one server, the first time it is asked
  std::optional<int> tries;  ///< how often each server is asked
  std::optional<std::vector<std::string>> domains;  ///< that unqualified names are tried in
  std::optional<int> dots;  ///< a name with that many is tried as it is first
  std::size_t cache_size = 1024;  ///< answers that are kept, for as long as their TTL says; none, if that is zero
  std::string hosts{"/etc/hosts"};
  std::string resolv_conf{"/etc/resolv.conf"};
};

/// What is known about a host.
struct host_entry {
  std::string name;  ///< the canonical one
  std::vector<std::string> aliases;
  std::vector<address> addresses;  ///< with port 0
};

/// What to look up: a host, which may be a name or the text of an address, and perhaps a service.
struct lookup_request {
  std::string host;  ///< see `address_use` for those that are no names
  std::string service;  ///< a port number, or the name of a service; empty is port 0
  family wanted = family::unspecified;
  address_use use = address_use::connecting;
  transport by = transport::stream;

  lookup_request() = default;
  // No aggregate, of which g++ 12 makes two in an expression that awaits.
  lookup_request(std::string host_, std::string service_, family wanted_ = family::unspecified,
                 address_use use_ = address_use::connecting, transport by_ = transport::stream) noexcept
      : host{std::move(host_)}, service{std::move(service_)}, wanted{wanted_}, use{use_}, by{by_} {}
};

namespace detail {
class name_search;
class resolver_core;
}  // namespace detail

class host_lookup;
class address_lookup;
class connect_to_host;

/// Looks up names for the tasks of one loop, without keeping them from running.
///
/// Addresses and /etc/hosts need no question, and neither do "localhost" and what ends with it (RFC 6761 section 6.3).
/// Everything else is asked of name servers: for IPv4 and IPv6 at once, in the domains that resolv.conf(5) searches, again
/// by TCP if an answer was truncated. Tasks that ask the same wait for one answer. Answers are kept for their TTL, that
/// there is no such name for as long as its zone says (RFC 2308), and failures not at all.
///
/// The files are read again when they have changed. It outlives its lookups.
class resolver {
 public:
  /// The resolver of a loop, which lives as long as the loop. It is made with default options, unless there is one.
  [[nodiscard]] static resolver& of(loop& home);
  /// The resolver of a loop; null if it has none yet.
  [[nodiscard]] static resolver* find(loop& home) noexcept;
  /// Makes the resolver of a loop that has none. @param by  as in the constructor
  static resolver& install(loop& home, resolver_options how, dns::engine* by);

  /// @param by  asks name servers; null if there is no library for that, and lookups go the system's way.
  resolver(loop& home, resolver_options how, dns::engine* by);
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;
  ~resolver();

  /// Changes how names are looked up from now on. Questions that wait for an answer are asked anew.
  void set_options(resolver_options how);
  [[nodiscard]] const resolver_options& options() const noexcept;
  /// Sets the library that asks name servers, if there was none.
  void set_engine(dns::engine* by) noexcept;

  /// The addresses of a host, at a service, in the order in which this machine should try them (RFC 6724).
  ///
  /// @param until  when to give up.
  /// @return  at least one.
  /// @error  errc::timed_out; in `resolver_category`: EAI_NONAME (there is no such host), EAI_SERVICE, EAI_AGAIN (no
  ///         server has answered, or could), EAI_FAIL
  [[nodiscard]] address_lookup look_up(lookup_request what, deadline until = never);
  [[nodiscard]] address_lookup look_up(std::string host, std::uint16_t port, deadline until = never);

  /// Everything that is known about a name.
  ///
  /// @error as `look_up`
  [[nodiscard]] host_lookup look_up_host(std::string name, family wanted, deadline until = never);

  /// The host that has an address.
  ///
  /// @error as `look_up`
  [[nodiscard]] host_lookup look_up_name(const address& of, deadline until = never);

  /// What `look_up` gives, if it needs to ask nobody for that: the host is an address, a name in /etc/hosts, or one that
  /// was looked up a short time ago.
  [[nodiscard]] std::optional<result<std::vector<address>>> known(const lookup_request& what);
  /// The same of `look_up_host` and `look_up_name`.
  [[nodiscard]] std::optional<result<host_entry>> known_host(const std::string& name, family wanted);
  [[nodiscard]] std::optional<result<host_entry>> known_name(const address& of);

  [[nodiscard]] loop& home() const noexcept;

 private:
  friend class host_lookup;
  friend class address_lookup;
  friend class connect_to_host;
  std::unique_ptr<detail::resolver_core> core_;
};

/// Waits for what is known about a host. Destroying it stops the waiting.
class [[nodiscard]] host_lookup : public wait_node {
 public:
  /// As `resolver::look_up_host` and `resolver::look_up_name`.
  host_lookup(resolver& by, std::string name, family wanted, deadline until = never);
  host_lookup(resolver& by, const address& of, deadline until = never);
  ~host_lookup() override;

  /// When it gives up. To be set before it parks.
  void set_deadline(deadline until) noexcept { set_until(until); }

  [[nodiscard]] bool await_ready() noexcept;
  void await_suspend(waiter who) noexcept;
  result<host_entry> await_resume();
  [[nodiscard]] std::string_view activity() const noexcept override { return "looking up a host"; }

 private:
  friend class address_lookup;
  host_lookup(resolver& by, deadline until) noexcept;

  std::unique_ptr<detail::name_search> search_;  // null if it is not needed
};

/// Waits for the addresses of a host. Destroying it stops the waiting.
class [[nodiscard]] address_lookup : public host_lookup {
 public:
  /// As `resolver::look_up`.
  address_lookup(resolver& by, lookup_request what, deadline until = never);

  [[nodiscard]] bool await_ready() noexcept { return known_.has_value() || host_lookup::await_ready(); }
  result<std::vector<address>> await_resume();

 private:
  std::optional<result<std::vector<address>>> known_;
  std::uint16_t port_ = 0;
};

}  // namespace copas
