#include "net/system_lookup.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <ranges>

namespace copas {
namespace {

dns::answer failure(int code) noexcept {
  // That a name has no address is no other news here than that there is none.
  return dns::answer::failed(code == EAI_SYSTEM ? EAI_AGAIN : code == EAI_NODATA ? EAI_NONAME : code);
}

dns::answer find_addresses(const std::string& name, int family) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = family;
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found); failed != 0) return failure(failed);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  dns::answer made;
  made.name = found->ai_canonname != nullptr ? found->ai_canonname : name;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    made.addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  return made;
}

dns::answer find_host(const std::string& text) {
  const auto of = address::parse(text, 0);
  if (!of) return failure(EAI_NONAME);
  std::array<char, NI_MAXHOST> name{};
  const int failed =
      ::getnameinfo(of->data(), static_cast<socklen_t>(of->size()), name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
  if (failed != 0) return failure(failed);
  dns::answer made;
  made.name = name.data();
  return made;
}

}  // namespace

dns::answer look_up_by_system(const dns_question& asked) noexcept {
  try {
    switch (asked.what) {
      case dns::record::a: return find_addresses(asked.name, AF_INET);
      case dns::record::aaaa: return find_addresses(asked.name, AF_INET6);
      case dns::record::any_address: return find_addresses(asked.name, AF_UNSPEC);
      case dns::record::ptr: return find_host(asked.name);
    }
  } catch (const std::bad_alloc&) {
    return failure(EAI_MEMORY);
  }
  return failure(EAI_FAIL);
}

std::string name_for_reverse(const address& of) {
  std::array<char, 80> text{};
  if (of.family() == family::inet4) {
    std::array<unsigned char, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(of.data())->sin_addr, bytes.size());
    std::snprintf(text.data(), text.size(), "%d.%d.%d.%d.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
    return text.data();
  }
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(of.data())->sin6_addr, bytes.size());
  constexpr char digits[] = "0123456789abcdef";
  std::string name;
  for (const int each : std::views::reverse(bytes)) {
    for (const int nibble : {each & 15, each >> 4}) (name += digits[nibble]) += '.';
  }
  return name + "ip6.arpa";
}

}  // namespace copas
