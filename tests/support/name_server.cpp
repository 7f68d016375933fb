#include "support/name_server.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "copas/core/sleep.hpp"
#include "copas/io/listener_handle.hpp"

namespace copas::testing {
namespace {

std::string number16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string number32(std::uint32_t value) { return number16(value >> 16) + number16(value & 0xffff); }

unsigned read16(std::string_view from, std::size_t at) {
  if (at + 2 > from.size()) throw std::runtime_error{"a query is too short"};
  return static_cast<unsigned>(static_cast<unsigned char>(from[at])) << 8 | static_cast<unsigned char>(from[at + 1]);
}

std::string encoded(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return bytes + '\0';
}

std::string encoded(const dns_record& record) {
  return encoded(record.name) + number16(record.type) + number16(1) + number32(record.ttl) +
         number16(static_cast<unsigned>(record.data.size())) + record.data;
}

dns_query parse_query(std::string_view bytes) {
  dns_query query;
  query.id = static_cast<std::uint16_t>(read16(bytes, 0));
  std::size_t at = 12;
  while (at < bytes.size() && bytes[at] != 0) {
    const auto length = static_cast<std::size_t>(bytes[at]);
    if (!query.name.empty()) query.name += '.';
    for (const char each : bytes.substr(at + 1, length)) {
      query.name += each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
    }
    at += length + 1;
  }
  query.type = static_cast<std::uint16_t>(read16(bytes, at + 1));
  query.bytes = bytes.substr(12, at + 5 - 12);
  return query;
}

std::string framed(const std::string& message) { return number16(static_cast<unsigned>(message.size())) + message; }

// UDP and TCP at the same port, which the system chooses for one and may have given away for the other.
std::pair<udp_socket, tcp_listener> listen(loop& home, const std::string& at) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto datagrams = udp_socket::bind(home, address::parse(at, 0).value()).value();
    auto connections = tcp_listener::bind(home, *datagrams.local());
    if (connections) return {std::move(datagrams), *std::move(connections)};
  }
  throw std::runtime_error{"there is no port for a name server"};
}

}  // namespace

std::string dns_message(const dns_query& query, const dns_reply& reply) {
  const bool cut = reply.truncated && !query.by_tcp;
  const unsigned flags = 0x8180U | (cut ? 0x0200U : 0U) | static_cast<unsigned>(reply.outcome);
  const auto count = [cut](const auto& records) { return number16(cut ? 0 : static_cast<unsigned>(records.size())); };
  std::string bytes = number16(reply.wrong_id ? query.id ^ 0x5555U : query.id) + number16(flags) + number16(1) +
                      count(reply.answers) + count(reply.authorities) + number16(0);
  bytes += reply.wrong_question ? encoded("something.else") + number16(query.type) + number16(1) : query.bytes;
  if (!cut) {
    for (const dns_record& each : reply.answers) bytes += encoded(each);
    for (const dns_record& each : reply.authorities) bytes += encoded(each);
  }
  if (reply.garbage) bytes.resize(bytes.size() - 3);
  return bytes;
}

dns_record address_record(std::string name, const std::string& address, std::uint32_t ttl) {
  std::array<char, 16> bytes{};
  const bool sixth = address.find(':') != std::string::npos;
  ::inet_pton(sixth ? AF_INET6 : AF_INET, address.c_str(), bytes.data());
  return {.name = std::move(name),
          .type = sixth ? dns_type::aaaa : dns_type::a,
          .ttl = ttl,
          .data = {bytes.data(), sixth ? std::size_t{16} : std::size_t{4}}};
}

dns_record alias_record(std::string name, const std::string& target, std::uint32_t ttl) {
  return {.name = std::move(name), .type = dns_type::cname, .ttl = ttl, .data = encoded(target)};
}

dns_record host_record(std::string reverse_name, const std::string& host) {
  return {.name = std::move(reverse_name), .type = dns_type::ptr, .ttl = 60, .data = encoded(host)};
}

dns_record zone_record(std::string name, std::uint32_t ttl, std::uint32_t minimum) {
  std::string data = encoded("ns.test") + encoded("admin.test") + number32(1);
  for (const std::uint32_t each : {3600U, 600U, 86400U, minimum}) data += number32(each);
  return {.name = std::move(name), .type = dns_type::soa, .ttl = ttl, .data = std::move(data)};
}

name_server::name_server(loop& home, script answer, const std::string& at)
    : name_server{home, std::move(answer), listen(home, at)} {}

name_server::name_server(loop& home, script answer, std::pair<udp_socket, tcp_listener> sockets)
    : home_{home},
      answer_{std::move(answer)},
      where_{sockets.first.local().value()},
      datagrams_{std::move(sockets.first)},
      connections_{std::move(sockets.second)},
      tasks_{home} {
  tasks_.spawn(serve_datagrams(), "name server");
  tasks_.spawn(serve(home_, connections_, [this](tcp_stream client) { return serve_connection(std::move(client)); }),
               "name server");
}

std::size_t name_server::times_asked(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count(asked_, name, &dns_query::name));
}

dns_reply name_server::reply_to(dns_query& query, std::string_view bytes) {
  const bool by_tcp = query.by_tcp;
  query = parse_query(bytes);
  query.by_tcp = by_tcp;
  asked_.push_back(query);
  return answer_(query);
}

task<void> name_server::serve_datagrams() {
  std::array<std::byte, 1500> space;
  for (;;) {
    const auto got = co_await datagrams_.receive_from(space);
    if (!got) co_return;
    std::string question{reinterpret_cast<const char*>(space.data()), got.bytes};
    tasks_.spawn(answer_datagram(std::move(question), got.sender), "answer");
  }
}

task<void> name_server::answer_datagram(std::string question, address to) {
  dns_query query;
  const dns_reply reply = reply_to(query, question);
  if (reply.delay.count() > 0) co_await sleep_for(home_, reply.delay);
  if (reply.silent) co_return;
  for (const std::string& each : reply.before) static_cast<void>(co_await datagrams_.send_to(each, to));
  const std::string bytes = dns_message(query, reply);
  static_cast<void>(co_await datagrams_.send_to(bytes, to));
}

task<void> name_server::serve_connection(tcp_stream client) {
  std::string bytes;
  while (co_await client.receive_exactly(bytes, 2)) {
    const unsigned length = read16(bytes, 0);
    if (!co_await client.receive_exactly(bytes, length)) co_return;
    dns_query query{.by_tcp = true};
    const dns_reply reply = reply_to(query, bytes);
    if (reply.delay.count() > 0) co_await sleep_for(home_, reply.delay);
    if (reply.silent) continue;
    std::string answers;
    for (const std::string& each : reply.before) answers += framed(each);
    answers += framed(dns_message(query, reply));
    if (!co_await client.send(answers)) co_return;
  }
}

name_server::script zone(std::multimap<std::string, std::string> addresses, std::uint32_t ttl) {
  return [known = std::move(addresses), ttl](const dns_query& query) {
    dns_reply reply;
    const auto [first, last] = known.equal_range(query.name);
    if (first == last) reply.outcome = dns_reply::code::no_such_name;
    for (auto each = first; each != last; ++each) {
      dns_record record = address_record(query.name, each->second, ttl);
      if (record.type == query.type) reply.answers.push_back(std::move(record));
    }
    return reply;
  };
}

}  // namespace copas::testing
