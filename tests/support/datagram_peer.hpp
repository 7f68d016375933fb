#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "copas/io/unique_fd.hpp"

namespace copas::testing {

/// A plain blocking UDP socket of this machine, which the test tells what to do step by step.
///
/// On the loopback interface a datagram has arrived when its send(2) returns. Whatever takes ten seconds throws.
class datagram_peer {
 public:
  /// @param host  a numeric address; the port is one that the system chooses.
  explicit datagram_peer(const std::string& host = "127.0.0.1");

  [[nodiscard]] std::uint16_t port() const;
  /// Sends one datagram to a port of the same host.
  void send_to(std::uint16_t port, std::string_view bytes);
  /// Receives one datagram. @param sender  is set to its port
  std::string receive(std::uint16_t* sender = nullptr);
  void close() noexcept { fd_.reset(); }

 private:
  std::string host_;
  unique_fd fd_;
};

}  // namespace copas::testing
