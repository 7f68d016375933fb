#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/net/tcp.hpp"
#include "copas/net/udp.hpp"

namespace copas::testing {

/// What a client has asked a name server.
struct dns_query {
  std::uint16_t id = 0;
  std::string name{};  ///< in small letters
  std::uint16_t type = 0;
  bool by_tcp = false;
  std::string bytes{};  ///< of the question
};

namespace dns_type {
inline constexpr std::uint16_t a = 1;
inline constexpr std::uint16_t cname = 5;
inline constexpr std::uint16_t soa = 6;
inline constexpr std::uint16_t ptr = 12;
inline constexpr std::uint16_t aaaa = 28;
}  // namespace dns_type

struct dns_record {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string data;  ///< as it is sent
};
[[nodiscard]] dns_record address_record(std::string name, const std::string& address, std::uint32_t ttl = 60);
[[nodiscard]] dns_record alias_record(std::string name, const std::string& target, std::uint32_t ttl = 60);
[[nodiscard]] dns_record host_record(std::string reverse_name, const std::string& host);
[[nodiscard]] dns_record zone_record(std::string name, std::uint32_t ttl, std::uint32_t minimum);

/// What a name server says, and how.
struct dns_reply {
  enum class code : std::uint8_t { fine = 0, server_failure = 2, no_such_name = 3, not_implemented = 4, refused = 5 };

  code outcome = code::fine;
  std::vector<dns_record> answers{};
  std::vector<dns_record> authorities{};
  bool silent = false;  ///< nothing is sent
  bool truncated = false;  ///< the answers do not fit, and are not sent
  bool wrong_id = false;
  bool wrong_question = false;
  bool garbage = false;  ///< the reply breaks off in the middle
  std::vector<std::string> before{};  ///< messages that are sent before it, as they are
  std::chrono::nanoseconds delay{0};
};

/// A reply as it is sent: its identifier comes first, the question at byte 12.
[[nodiscard]] std::string dns_message(const dns_query& query, const dns_reply& reply);

/// A name server, by UDP and TCP, in the loop of the test: what it answers is up to a function.
class name_server {
 public:
  using script = std::function<dns_reply(const dns_query&)>;

  /// @param at  where it listens, on a port that the system chooses.
  name_server(loop& home, script answer, const std::string& at = "127.0.0.1");

  [[nodiscard]] const address& where() const noexcept { return where_; }
  /// Everything that was asked.
  [[nodiscard]] const std::vector<dns_query>& asked() const noexcept { return asked_; }
  /// How often it was asked about a name.
  [[nodiscard]] std::size_t times_asked(std::string_view name) const;
  void stop() { tasks_.cancel(); }

 private:
  name_server(loop& home, script answer, std::pair<udp_socket, tcp_listener> sockets);
  task<void> serve_datagrams();
  task<void> answer_datagram(std::string question, address to);
  task<void> serve_connection(tcp_stream client);
  [[nodiscard]] dns_reply reply_to(dns_query& query, std::string_view bytes);

  loop& home_;
  script answer_;
  address where_;
  std::vector<dns_query> asked_;
  udp_socket datagrams_;
  tcp_listener connections_;
  scope tasks_;
};

/// A script that knows the addresses of names, and nothing else.
[[nodiscard]] name_server::script zone(std::multimap<std::string, std::string> addresses, std::uint32_t ttl = 60);

}  // namespace copas::testing
