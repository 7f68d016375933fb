// The DNS engine on c-ares: a thin layer, which asks for one record of one name at a time. What names are tried, what is
// kept, and what the system's files say is the resolver's business, for all engines.
#include <ares.h>
#include <ares_nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "copas/net/dns_engine.hpp"

namespace copas::dns {
namespace {

int failure_of(int status) noexcept {
  switch (status) {
    case ARES_SUCCESS: return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: return EAI_NONAME;
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ECONNREFUSED:
    case ARES_ETIMEOUT:
    case ARES_EOF: return EAI_AGAIN;
    case ARES_ENOMEM: return EAI_MEMORY;
    default: return EAI_FAIL;
  }
}

template <class Socket>
address as_address(int family, const void* bytes, std::size_t length, std::size_t offset) noexcept {
  Socket made{};
  std::memcpy(reinterpret_cast<std::byte*>(&made) + offset, bytes, length);
  auto& any = reinterpret_cast<sockaddr&>(made);
  any.sa_family = static_cast<sa_family_t>(family);
  return address{&any, sizeof made};
}

address as_address(int family, const unsigned char* bytes) noexcept {
  if (family == AF_INET) return as_address<sockaddr_in>(family, bytes, 4, offsetof(sockaddr_in, sin_addr));
  return as_address<sockaddr_in6>(family, bytes, 16, offsetof(sockaddr_in6, sin6_addr));
}

// One record of a reply.
struct reply_record {
  std::string owner;
  unsigned type = 0;
  std::uint32_t lifetime = 0;
  int begin = 0;  // of its data
  int size = 0;
};

// Reads a reply, from its beginning to its end. What is not as it has to be makes it bad.
class reply_reader {
 public:
  reply_reader(const unsigned char* reply, int length) noexcept : reply_{reply}, length_{length} {}

  [[nodiscard]] bool bad() const noexcept { return bad_; }
  void go_to(int position) noexcept {
    at_ = position;
    bad_ = bad_ || at_ < 0 || at_ > length_;
  }
  void skip(int count) noexcept { go_to(at_ + count); }
  [[nodiscard]] unsigned char byte() noexcept {
    const int here = at_;
    skip(1);
    return bad_ ? 0 : reply_[here];
  }
  [[nodiscard]] unsigned number16() noexcept {
    const unsigned high = byte();
    return high << 8 | byte();
  }
  [[nodiscard]] std::uint32_t number32() noexcept {
    const std::uint32_t high = number16();
    return high << 16 | number16();
  }
  [[nodiscard]] std::string name() {
    char* text = nullptr;
    long encoded = 0;
    bad_ = bad_ || at_ >= length_ || ::ares_expand_name(reply_ + at_, reply_, length_, &text, &encoded) != ARES_SUCCESS;
    if (bad_) return {};
    const std::unique_ptr<char, decltype(&::ares_free_string)> owner{text,
                                                                     [](void* left) { ::ares_free_string(left); }};
    skip(static_cast<int>(encoded));
    return text;
  }
  [[nodiscard]] reply_record record() {
    reply_record made;
    made.owner = name();
    made.type = number16();
    bad_ = bad_ || number16() != ns_c_in;
    made.lifetime = number32();
    made.size = static_cast<int>(number16());
    made.begin = at_;
    skip(made.size);
    return made;
  }
  [[nodiscard]] const unsigned char* at(int position) const noexcept { return reply_ + position; }

 private:
  const unsigned char* reply_;
  int length_;
  int at_ = 0;
  bool bad_ = false;
};

// A TTL with its highest bit set means none. @see RFC 2181 section 8
constexpr std::uint32_t checked_lifetime(std::uint32_t ttl) noexcept { return ttl > INT32_MAX ? 0 : ttl; }

bool same_name(const std::string& one, const std::string& other) noexcept {
  return ::strcasecmp(one.c_str(), other.c_str()) == 0;
}

constexpr unsigned type_of(record what) noexcept {
  return what == record::a ? ns_t_a : what == record::aaaa ? ns_t_aaaa : ns_t_ptr;
}

// A reply, taken apart.
struct parsed_reply {
  std::string question;
  std::vector<reply_record> answers;
  std::vector<reply_record> authorities;

  // False if it is malformed.
  [[nodiscard]] bool parse(reply_reader& from) {
    from.skip(4);
    const unsigned questions = from.number16();
    const unsigned answer_count = from.number16();
    const unsigned authority_count = from.number16();
    from.skip(2);
    if (questions != 1) return false;
    question = from.name();
    from.skip(4);
    for (unsigned each = 0; each < answer_count && !from.bad(); ++each) answers.push_back(from.record());
    for (unsigned each = 0; each < authority_count && !from.bad(); ++each) authorities.push_back(from.record());
    return !from.bad();
  }
};

// Follows the aliases from the name that was asked for, and takes what belongs to the last one; anything else in the reply
// was not asked for.
int take_answers(const parsed_reply& reply, record what, reply_reader& from, answer& into) {
  into.name = reply.question;
  std::uint32_t least = INT32_MAX;
  const auto is_of = [&](const reply_record& each, unsigned type) {
    return each.type == type && same_name(each.owner, into.name);
  };
  while (into.aliases.size() <= reply.answers.size()) {
    const auto alias =
        std::ranges::find_if(reply.answers, [&](const reply_record& each) { return is_of(each, ns_t_cname); });
    if (alias == reply.answers.end()) break;
    least = std::min(least, checked_lifetime(alias->lifetime));
    into.aliases.push_back(std::exchange(into.name, (from.go_to(alias->begin), from.name())));
  }
  const std::string owner = into.name;
  for (const reply_record& each : reply.answers) {
    if (each.type != type_of(what) || !same_name(each.owner, owner)) continue;
    least = std::min(least, checked_lifetime(each.lifetime));
    if (what == record::ptr) {
      from.go_to(each.begin);
      into.name = from.name();
      into.lifetime = std::chrono::seconds{least};
      return from.bad() ? ARES_EBADRESP : ARES_SUCCESS;
    }
    if (each.size != (what == record::a ? 4 : 16)) return ARES_EBADRESP;
    into.addresses.push_back(as_address(what == record::a ? AF_INET : AF_INET6, from.at(each.begin)));
  }
  into.lifetime = std::chrono::seconds{least};
  if (from.bad()) return ARES_EBADRESP;
  return into.addresses.empty() ? ARES_ENODATA : ARES_SUCCESS;
}

// How long it may be remembered that there is no such record, by the zone's SOA record; zero if the reply has none.
// @see RFC 2308 section 5
std::chrono::seconds lifetime_of_nothing(const parsed_reply& reply, reply_reader& from) {
  for (const reply_record& each : reply.authorities) {
    if (each.type != ns_t_soa) continue;
    from.go_to(each.begin + each.size - 4);
    const std::uint32_t minimum = from.number32();
    return std::chrono::seconds{from.bad() ? 0 : checked_lifetime(std::min(each.lifetime, minimum))};
  }
  return std::chrono::seconds{0};
}

// What a reply says, if its outcome is `status`.
answer read_reply(int status, record what, const unsigned char* reply, int length) {
  const bool nothing = status == ARES_ENOTFOUND || status == ARES_ENODATA;
  answer found;
  if ((status == ARES_SUCCESS || nothing) && reply != nullptr) {
    reply_reader from{reply, length};
    parsed_reply parsed;
    if (!parsed.parse(from)) {
      if (!nothing) status = ARES_EBADRESP;
    } else if (nothing) {
      found.lifetime = lifetime_of_nothing(parsed, from);
    } else {
      status = take_answers(parsed, what, from, found);
      if (status != ARES_SUCCESS) {
        found = {};
        if (status == ARES_ENODATA) found.lifetime = lifetime_of_nothing(parsed, from);
      }
    }
  }
  found.failure = failure_of(status);
  return found;
}

class cares_channel final : public channel {
 public:
  explicit cares_channel(watcher& by) noexcept : watcher_{by} {}
  ~cares_channel() override {
    closing_ = true;
    if (channel_ != nullptr) ::ares_destroy(channel_);
  }

  [[nodiscard]] bool open(const channel_settings& how);

  void ask(const std::string& name, record what, questioner& by) noexcept override;
  void process(int fd, bool readable, bool writable) noexcept override {
    ::ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  }
  void process_timeouts() noexcept override { ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> next_timeout() noexcept override {
    timeval left{};
    const timeval* const found = ::ares_timeout(channel_, nullptr, &left);
    if (found == nullptr) return {};
    return std::chrono::seconds{found->tv_sec} + std::chrono::microseconds{found->tv_usec};
  }

 private:
  struct question {
    cares_channel& owner;
    record what;
    questioner& by;
  };
  static void on_reply(void* asked, int status, int timeouts, unsigned char* reply, int length) noexcept;
  [[nodiscard]] bool set_servers(const std::vector<address>& servers);

  watcher& watcher_;
  ares_channel channel_ = nullptr;
  bool closing_ = false;
};

bool cares_channel::open(const channel_settings& how) {
  ares_options options{};
  char lookups[] = "b";
  char nothing[] = "/dev/null";
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (how.by_tcp ? ARES_FLAG_USEVC : 0);
  options.timeout = static_cast<int>(std::max<std::int64_t>(how.timeout.count(), 1));
  options.tries = std::max(how.tries, 1);
  options.lookups = lookups;
  options.resolvconf_path = nothing;  // whoever opens the channel has read it
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, int fd, int readable, int writable) {
    static_cast<cares_channel*>(self)->watcher_.watch(fd, readable != 0, writable != 0);
  };
  const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
                    ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB | (how.rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE);
  return ::ares_init_options(&channel_, &options, given) == ARES_SUCCESS && set_servers(how.servers);
}

bool cares_channel::set_servers(const std::vector<address>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (std::size_t each = 0; each < nodes.size(); ++each) {
    ares_addr_port_node& node = nodes[each];
    const address& at = servers[each];
    node.next = each + 1 < nodes.size() ? &nodes[each + 1] : nullptr;
    node.udp_port = node.tcp_port = at.port() != 0 ? at.port() : 53;
    if (at.family() == family::inet6) {
      node.family = AF_INET6;
      std::memcpy(&node.addr.addr6, &reinterpret_cast<const sockaddr_in6*>(at.data())->sin6_addr, 16);
    } else {
      node.family = AF_INET;
      node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(at.data())->sin_addr;
    }
  }
  return ::ares_set_servers_ports(channel_, nodes.empty() ? nullptr : nodes.data()) == ARES_SUCCESS;
}

void cares_channel::ask(const std::string& name, record what, questioner& by) noexcept {
  auto* const asked = new (std::nothrow) question{*this, what, by};
  if (asked == nullptr) return by.answered(answer::failed(EAI_MEMORY));
  ::ares_query(channel_, name.c_str(), ns_c_in, static_cast<int>(type_of(what)), &on_reply, asked);
}

void cares_channel::on_reply(void* asked, int status, int, unsigned char* reply, int length) noexcept {
  const std::unique_ptr<question> done{static_cast<question*>(asked)};
  if (done->owner.closing_) return;
  answer found;
  try {
    found = read_reply(status, done->what, reply, length);
  } catch (const std::bad_alloc&) {
    found = answer::failed(EAI_MEMORY);
  }
  done->by.answered(std::move(found));
}

class cares final : public engine {
 public:
  cares() noexcept { usable_ = ::ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS; }

  [[nodiscard]] std::unique_ptr<channel> open(const channel_settings& how, watcher& by) noexcept override {
    try {
      auto made = std::make_unique<cares_channel>(by);
      if (usable_ && made->open(how)) return made;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return nullptr;
  }

 private:
  bool usable_;
};

}  // namespace

engine& cares_engine() noexcept {
  static cares only;
  return only;
}

}  // namespace copas::dns
