#include "support/tls_peer.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <utility>

namespace copas::testing {

struct tls_peer::state {
  explicit state(peer below) : wire{std::move(below)} {}
  ~state() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  peer wire;
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL* ssl = nullptr;
  int alert = -1;
};

tls_peer::tls_peer(peer wire, const settings& how) : state_{std::make_unique<state>(std::move(wire))} {
  SSL_CTX* const context = state_->context;
  if (how.newest != 0) SSL_CTX_set_max_proto_version(context, how.newest);
  if (!how.key.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context, how.key.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context, how.key.key.c_str(), SSL_FILETYPE_PEM);
  }
  if (!how.trusted.empty()) {
    SSL_CTX_load_verify_file(context, how.trusted.c_str());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  SSL* const ssl = state_->ssl = SSL_new(context);
  SSL_set_app_data(ssl, reinterpret_cast<char*>(&state_->alert));
  SSL_set_info_callback(ssl, [](const SSL* about, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) *static_cast<int*>(SSL_get_app_data(about)) = value & 0xff;
  });
  const int fd = state_->wire.fd();
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  SSL_set_fd(ssl, fd);
  if (how.mode == tls::role::client) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
}

tls_peer::~tls_peer() = default;
tls_peer::tls_peer(tls_peer&&) noexcept = default;

peer& tls_peer::wire() { return state_->wire; }
int tls_peer::last_alert() const { return state_->alert; }

bool tls_peer::shake_hands() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(state_->ssl);
  if (outcome == 1) return true;
  const int why = SSL_get_error(state_->ssl, outcome);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
  const unsigned long code = ERR_peek_error();
  throw std::runtime_error{code == 0 ? "closed" : ERR_reason_error_string(code)};
}

bool tls_peer::receive() {
  for (;;) {
    char bytes[4096];
    ERR_clear_error();
    const int count = SSL_read(state_->ssl, bytes, sizeof bytes);
    if (count > 0) {
      received.append(bytes, static_cast<std::size_t>(count));
      continue;
    }
    const int why = SSL_get_error(state_->ssl, count);
    ended_in_order = why == SSL_ERROR_ZERO_RETURN;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
  }
}

void tls_peer::send(std::string_view bytes) {
  if (SSL_write(state_->ssl, bytes.data(), static_cast<int>(bytes.size())) != static_cast<int>(bytes.size())) {
    throw std::runtime_error{"the peer could not send"};
  }
}

void tls_peer::ask_for_new_keys() {
  SSL_key_update(state_->ssl, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(state_->ssl);
}

bool tls_peer::ask_for_renegotiation() {
  if (SSL_renegotiate(state_->ssl) != 1) return false;
  SSL_do_handshake(state_->ssl);
  return true;
}

void tls_peer::shut_down() { SSL_shutdown(state_->ssl); }

}  // namespace copas::testing
