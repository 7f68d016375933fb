#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "load/descriptor.hpp"

namespace load {

struct free_tls {
  void operator()(SSL* of) const noexcept { SSL_free(of); }
  void operator()(SSL_CTX* of) const noexcept { SSL_CTX_free(of); }
};
using tls_context = std::unique_ptr<SSL_CTX, free_tls>;

/// A client's context: TLS 1.3, without a look at certificates, which is not what is measured.
inline tls_context make_client_context() {
  tls_context made{SSL_CTX_new(TLS_client_method())};
  if (!made || SSL_CTX_set_min_proto_version(made.get(), TLS1_3_VERSION) != 1) throw std::runtime_error{"no TLS"};
  return made;
}

/// A server's context, as OpenSSL's own documentation advises for sockets that do not block: one system call for a record
/// that has come whole, no buffers for connections that are idle.
inline tls_context make_server_context(const char* certificate, const char* key) {
  tls_context made{SSL_CTX_new(TLS_server_method())};
  if (!made || SSL_CTX_use_certificate_chain_file(made.get(), certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(made.get(), key, SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error{"no certificate and key"};
  }
  SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);  // tickets need none
  SSL_CTX_set_read_ahead(made.get(), 1);
  SSL_CTX_set_mode(made.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return made;
}

/// A socket, perhaps encrypted.
class connection {
 public:
  explicit connection(descriptor socket) noexcept : socket_{std::move(socket)} {}

  [[nodiscard]] int number() const noexcept { return socket_.number(); }
  [[nodiscard]] SSL* tls() const noexcept { return tls_.get(); }

  /// Makes it a TLS client's, or a server's. The handshake is done by the first calls of `send` and `receive`.
  void encrypt(SSL_CTX& by) {
    tls_.reset(SSL_new(&by));
    if (!tls_ || SSL_set_fd(tls_.get(), socket_.number()) != 1) throw std::runtime_error{"no TLS"};
    if (SSL_CTX_get_ssl_method(&by) == TLS_client_method()) {
      SSL_set_connect_state(tls_.get());
    } else {
      SSL_set_accept_state(tls_.get());
    }
  }

  /// As recv(2) and send(2); what TLS fails at is EIO.
  ssize_t receive(char* into, std::size_t size) noexcept {
    if (!tls_) return ::recv(socket_.number(), into, size, 0);
    return result_of(SSL_read(tls_.get(), into, static_cast<int>(size)));
  }
  ssize_t send(std::string_view text) noexcept {
    if (!tls_) return ::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL);
    return result_of(SSL_write(tls_.get(), text.data(), static_cast<int>(text.size())));
  }

  /// Does a read that fills only a part of its space mean that nothing is left? A record is no proof of it.
  [[nodiscard]] bool short_reads_empty() const noexcept { return !tls_; }

  void close() noexcept {
    tls_.reset();
    socket_.close();
  }

 private:
  ssize_t result_of(int returned) noexcept {
    if (returned > 0) return returned;
    const int error = SSL_get_error(tls_.get(), returned);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    if (error != SSL_ERROR_SYSCALL)
      errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    ERR_clear_error();
    return -1;
  }

  descriptor socket_;  // closed after the session is freed
  std::unique_ptr<SSL, free_tls> tls_;
};

}  // namespace load
