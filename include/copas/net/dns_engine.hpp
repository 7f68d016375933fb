#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "copas/net/address.hpp"

// What the project asks of a DNS library: to ask name servers for records of one name. There is one implementation, on
// c-ares (src/net/cares). It is a library of its own, so that programs which look nothing up do not load it; hence this
// interface of virtual functions, none of which lets an exception out, and none of which knows of loops.
namespace copas::dns {

/// What is asked about a name.
enum class record : std::uint8_t {
  a,  ///< its IPv4 addresses
  aaaa,  ///< its IPv6 addresses
  ptr,  ///< the host that "4.3.2.1.in-addr.arpa" and the like stand for
  any_address,  ///< those of both families; not for name servers, which answer for one record at a time
};

/// The answer to one question.
struct answer {
  [[nodiscard]] static answer failed(int failure) noexcept {
    answer made;
    made.failure = failure;
    return made;
  }

  int failure = 0;  ///< why there is none, as a number of getaddrinfo(3): error categories end at a library's border
  std::vector<address> addresses;  ///< with port 0; of `a` and `aaaa`
  std::string name;  ///< the canonical name; of `ptr` the host
  std::vector<std::string> aliases;  ///< names that stand for the canonical one
  std::chrono::seconds lifetime{0};  ///< how long it may be kept: the least TTL; of EAI_NONAME what the zone's SOA says
};

/// Whoever is told of an answer.
class questioner {
 public:
  virtual void answered(answer what) noexcept = 0;

 protected:
  ~questioner() = default;
};

/// Whoever watches the descriptors of a channel.
class watcher {
 public:
  /// From now on waits for what is wanted of `fd`. Nothing is, when it is about to be closed.
  virtual void watch(int fd, bool read, bool write) noexcept = 0;

 protected:
  ~watcher() = default;
};

struct channel_settings {
  std::vector<address> servers;  ///< asked in this order; port 0 is 53
  std::chrono::milliseconds timeout{5000};  ///< for the first answer; longer when it asks once more
  int tries = 2;  ///< for each server
  bool rotate = false;  ///< begin with another server each time
  bool by_tcp = false;  ///< instead of UDP first, and TCP for what is truncated
};

/// A conversation with name servers. What is not answered when it is destroyed will not be.
class channel {
 public:
  channel() = default;
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  virtual ~channel() = default;

  /// Asks; the answer may come before this returns.
  ///
  /// @param name  absolute, without a dot at its end.
  /// @param by    alive until it is answered or the channel is destroyed.
  virtual void ask(const std::string& name, record what, questioner& by) noexcept = 0;
  /// Something happened to one of its descriptors.
  virtual void process(int fd, bool readable, bool writable) noexcept = 0;
  /// Asks again, or gives up, where an answer is overdue.
  virtual void process_timeouts() noexcept = 0;
  /// How long until `process_timeouts` has something to do; nothing if it waits for no answer.
  [[nodiscard]] virtual std::optional<std::chrono::nanoseconds> next_timeout() noexcept = 0;
};

/// The library.
class engine {
 public:
  /// @return  null if there is not enough memory.
  [[nodiscard]] virtual std::unique_ptr<channel> open(const channel_settings& how, watcher& by) noexcept = 0;

 protected:
  ~engine() = default;
};

/// The engine on c-ares: in libcopas, and in the companion of the Lua modules.
[[nodiscard]] engine& cares_engine() noexcept;

}  // namespace copas::dns
