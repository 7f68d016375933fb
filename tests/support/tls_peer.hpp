#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "copas/tls/engine.hpp"
#include "support/peer.hpp"

namespace copas::testing {

/// The other end of an encrypted connection: OpenSSL by itself, which the test tells what to do step by step.
///
/// Each step is made without waiting; the test turns the loop between those that are to be repeated.
class tls_peer {
 public:
  struct settings {
    tls::role mode = tls::role::client;
    tls::key_pair key{};
    std::string trusted{};  ///< a file of certificates; none: everybody is trusted
    int newest = 0;  ///< version of the protocol, such as TLS1_2_VERSION; zero for any
  };

  tls_peer(peer wire, const settings& how);
  ~tls_peer();
  tls_peer(tls_peer&&) noexcept;

  /// True when the handshake is finished. @throw std::runtime_error if it fails
  bool shake_hands();
  /// Appends what has come to `received`; false once the stream has ended.
  bool receive();
  std::string received;
  bool ended_in_order = false;  ///< with close_notify
  /// Sends all of `bytes`, which are few, in one record.
  void send(std::string_view bytes);
  /// Asks for new keys, by a message of TLS 1.3, in answer to which the other side has to change its own.
  void ask_for_new_keys();
  /// Asks for another handshake, by a message of TLS 1.2; true if that was begun.
  bool ask_for_renegotiation();
  /// The alert that was received last; -1 if there was none.
  [[nodiscard]] int last_alert() const;
  /// Tells that nothing follows.
  void shut_down();
  /// The connection below, for those who cut it.
  [[nodiscard]] peer& wire();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace copas::testing
