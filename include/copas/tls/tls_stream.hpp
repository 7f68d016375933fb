#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "copas/net/tcp.hpp"
#include "copas/tls/stream.hpp"

namespace copas {

/// An encrypted TCP connection whose handshake is finished, owned: see `stream_handle`.
class tls_stream : public tcp_stream {
 public:
  tls_stream(loop& home, ref<tls::stream> shared) noexcept
      : tcp_stream{home, ref<stream>{shared.get()}}, tls_{std::move(shared)} {}

  /// What was agreed on, and the peer's certificates.
  [[nodiscard]] tls::session& session() const noexcept { return tls_->session(); }

 private:
  ref<tls::stream> tls_;
};

namespace tls {

/// Connects to the first address of `host` that accepts, and secures the connection.
///
/// @param by    a client's context, kept alive by the connection; `make_context({})` is the one to begin with.
/// @param host  the name is also what the peer is asked for, and what its certificate has to be for.
/// @error as `copas::connect`; of `tls::category()` if the handshake fails
[[nodiscard]] task<result<tls_stream>> connect(loop& home, context_ptr by, std::string host, std::uint16_t port,
                                               deadline until = never);

/// Secures a connection of which both sides know that this follows (STARTTLS), or that a listener has accepted.
///
/// @param plain  closed if this fails.
/// @param host   for a client, the name of the peer.
/// @error errc::timed_out, errc::closed, of `tls::category()`; others as recv(2) and send(2) report them
[[nodiscard]] task<result<tls_stream>> secure(loop& home, context_ptr by, tcp_stream plain,
                                              std::optional<std::string> host = {}, deadline until = never);

/// A context for these parameters, on OpenSSL.
/// @error std::runtime_error  with LuaSec's words, naming a file that cannot be read
[[nodiscard]] context_ptr make_context(const parameters& wanted);

}  // namespace tls
}  // namespace copas
