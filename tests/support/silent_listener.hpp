#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "copas/net/tcp.hpp"
#include "support/peer.hpp"

namespace copas::testing {

/// A listener that answers nobody: its backlog is full, so Linux drops what tells it of further connections.
class silent_listener {
 public:
  silent_listener() {
    for (int count = 0; count < 4; ++count) {
      waiting_.push_back(open_tcp(family::inet4).value());
      const address to = address::parse("127.0.0.1", port()).value();
      ::connect(waiting_.back().get(), to.data(), static_cast<socklen_t>(to.size()));
    }
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  peer_listener listener_{0};
  std::vector<unique_fd> waiting_;
};

}  // namespace copas::testing
