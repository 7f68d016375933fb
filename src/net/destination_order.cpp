#include "net/destination_order.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "copas/net/udp.hpp"

namespace copas {
namespace {

using ip_bytes = std::array<std::uint8_t, 16>;

// The address as one of IPv6: those of IPv4 are mapped.
ip_bytes bytes_of(const address& of) noexcept {
  ip_bytes bytes{};
  if (of.family() == family::inet6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(of.data())->sin6_addr, bytes.size());
  } else {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &reinterpret_cast<const sockaddr_in*>(of.data())->sin_addr, 4);
  }
  return bytes;
}

int common_bits(const ip_bytes& one, const ip_bytes& other) noexcept {
  int bits = 0;
  for (std::size_t each = 0; each < one.size(); ++each) {
    const auto differing = static_cast<std::uint8_t>(one[each] ^ other[each]);
    bits += std::countl_zero(differing);
    if (differing != 0) break;
  }
  return bits;
}

struct policy {
  ip_bytes prefix;
  int length;
  int precedence;
  int label;
};

// RFC 6724 section 2.1, by the length of the prefix.
constexpr std::array policies{
    policy{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
    policy{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
    policy{{}, 96, 1, 3},
    policy{{0x20, 0x01}, 32, 5, 5},
    policy{{0x20, 0x02}, 16, 30, 2},
    policy{{0x3f, 0xfe}, 16, 1, 12},
    policy{{0xfe, 0xc0}, 10, 1, 11},
    policy{{0xfc}, 7, 3, 13},
    policy{{}, 0, 40, 1},
};

const policy& policy_for(const ip_bytes& of) noexcept {
  return *std::ranges::find_if(policies,
                               [&](const policy& each) { return common_bits(of, each.prefix) >= each.length; });
}

// RFC 6724 section 3.1 and RFC 4291 section 2.7: 1 is this machine, 2 the link, 5 the site, 14 the world.
int scope_of(const ip_bytes& of) noexcept {
  const bool mapped = common_bits(of, policies[1].prefix) >= 96;
  if (mapped) return of[12] == 127 || (of[12] == 169 && of[13] == 254) ? 2 : 14;
  if (of[0] == 0xff) return of[1] & 0x0f;
  if (of[0] == 0xfe && (of[1] & 0xc0) == 0x80) return 2;
  if (of[0] == 0xfe && (of[1] & 0xc0) == 0xc0) return 5;
  return common_bits(of, policies[0].prefix) == 128 ? 2 : 14;
}

// The address that this machine would send from; none if there is no way. Nothing is sent.
std::optional<address> source_for(address destination) {
  const auto fd = open_udp(destination.family());
  if (!fd) return {};
  destination.set_port(53);  // any one but zero
  if (set_peer(fd->get(), destination)) return {};
  const auto local = local_address(fd->get());
  return local ? std::optional{*local} : std::nullopt;
}

struct destination {
  address to;
  bool reachable = false;
  bool same_scope = false;
  bool same_label = false;
  int precedence = 0;
  int scope = 0;
  std::size_t place = 0;  // where it was
  int common = 0;  // bits of a prefix that it shares with the source address; of IPv6 only

  explicit destination(const address& at) : to{at} {
    const ip_bytes bytes = bytes_of(at);
    precedence = policy_for(bytes).precedence;
    scope = scope_of(bytes);
    const auto source = source_for(at);
    if (!source) return;
    const ip_bytes from = bytes_of(*source);
    reachable = true;
    same_scope = scope_of(from) == scope;
    same_label = policy_for(from).label == policy_for(bytes).label;
    if (at.family() == family::inet6) common = std::min(common_bits(from, bytes), 64);
  }
};

// Rules 1, 2, 5, 6, 8, 9 and 10; the others need what only the system knows. Rule 9 is for addresses of one family.
bool comes_before(const destination& one, const destination& other) noexcept {
  if (one.reachable != other.reachable) return one.reachable;
  if (one.same_scope != other.same_scope) return one.same_scope;
  if (one.same_label != other.same_label) return one.same_label;
  if (one.precedence != other.precedence) return one.precedence > other.precedence;
  if (one.scope != other.scope) return one.scope < other.scope;
  if (one.to.family() == other.to.family() && one.common != other.common) return one.common > other.common;
  return one.place < other.place;
}

}  // namespace

void sort_destinations(std::vector<address>& destinations) {
  if (destinations.size() < 2) return;
  std::vector<destination> sorted{destinations.begin(), destinations.end()};
  for (std::size_t each = 0; each < sorted.size(); ++each) sorted[each].place = each;
  std::ranges::sort(sorted, comes_before);
  std::ranges::transform(sorted, destinations.begin(), &destination::to);
}

void interleave_families(std::vector<address>& destinations, std::optional<family> before) {
  if (destinations.empty()) return;
  std::vector<address> next;
  std::vector<address> later;
  const family first = destinations.front().family();
  for (const address& each : destinations) (each.family() == first ? next : later).push_back(each);
  if (before == first) next.swap(later);
  destinations.clear();
  for (std::size_t each = 0; each < std::max(next.size(), later.size()); ++each) {
    if (each < next.size()) destinations.push_back(next[each]);
    if (each < later.size()) destinations.push_back(later[each]);
  }
}

}  // namespace copas
