#include "tls/openssl/context.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tls/openssl/options.hpp"
#include "tls/openssl/session.hpp"

namespace copas::tls {
namespace {

constexpr std::size_t most_kept_sessions = 1000;

[[noreturn]] void fail(std::string text, bool wants_password = false) {
  throw failure{std::move(text), wants_password};
}

[[noreturn]] void fail_with_reason(const std::string& what) { fail(what + " (" + first_reason() + ")"); }

void check_readable(const std::string& what, const std::string& file) {
  if (::access(file.c_str(), R_OK) != 0) fail(what + " (" + file + ": " + std::strerror(errno) + ")");
}

struct password_question {
  const std::optional<std::string>& answer;
  bool asked = false;
};

int answer_password(char* into, int size, int, void* asker) {
  auto& question = *static_cast<password_question*>(asker);
  question.asked = true;
  const auto room = static_cast<std::size_t>(size);
  if (!question.answer || question.answer->size() > room) return -1;
  return static_cast<int>(question.answer->copy(into, room));
}

int version_of(const std::string& protocol) {
  if (protocol == "any" || protocol == "sslv23") return 0;
  if (protocol == "tlsv1") return TLS1_VERSION;
  if (protocol == "tlsv1_1") return TLS1_1_VERSION;
  if (protocol == "tlsv1_2") return TLS1_2_VERSION;
  if (protocol == "tlsv1_3") return TLS1_3_VERSION;
  fail("invalid protocol (" + protocol + ")");
}

int verification_of(const std::string& name) {
  if (name == "none") return SSL_VERIFY_NONE;
  if (name == "peer") return SSL_VERIFY_PEER;
  if (name == "client_once") return SSL_VERIFY_CLIENT_ONCE;
  if (name == "fail_if_no_peer_cert") return SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  fail("invalid verify option (" + name + ")");
}

std::atomic<std::uint64_t> contexts_made = 0;

// Does a client with these verify the peer?
bool verifies(const parameters& wanted) {
  return wanted.mode == role::client &&
         (wanted.verify.empty() || std::ranges::find(wanted.verify, "peer") != wanted.verify.end());
}

// The session that OpenSSL calls us for.
openssl_session& session_of(const SSL* ssl) { return *static_cast<openssl_session*>(SSL_get_app_data(ssl)); }

// Also called for what is in order, and then the store still has the error before it.
int note_and_continue(int in_order, X509_STORE_CTX* check) {
  if (in_order != 0) return 1;
  const auto* const ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (session_of(ssl).note_verification_error(X509_STORE_CTX_get_error_depth(check), X509_STORE_CTX_get_error(check)))
    return 1;
  X509_STORE_CTX_set_error(check, X509_V_ERR_OUT_OF_MEM);
  return 0;
}

int verify_for_any_purpose(X509_STORE_CTX* check, void*) {
  X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(check), X509_PURPOSE_ANY);
  return X509_verify_cert(check);
}

int answer_name(SSL* ssl, int*, void*) { return session_of(ssl).answer_name(); }

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void*) {
  return session_of(ssl).choose_protocol({offered, offered_length}, chosen, length);
}

int answer_hello(SSL* ssl, int*, void*) { return session_of(ssl).answer_hello(); }

int keep_session(SSL* ssl, SSL_SESSION* fresh) { return session_of(ssl).keep(fresh); }

}  // namespace

std::expected<context_ptr, failure> openssl_context::make(const parameters& wanted) {
  ERR_clear_error();
  try {
    return std::shared_ptr<openssl_context>{new openssl_context{wanted}};
  } catch (failure& why) {
    ERR_clear_error();
    return std::unexpected{std::move(why)};
  }
}

openssl_context::openssl_context(const parameters& wanted)
    : mode_{wanted.mode}, number_{++contexts_made}, asks_for_protocols_{wanted.asks_for_protocols} {
  const int version = version_of(wanted.protocol);
  context_.reset(SSL_CTX_new(TLS_method()));
  if (!context_) fail_with_reason("error creating context");
  if (version != 0) {
    SSL_CTX_set_min_proto_version(handle(), version);
    SSL_CTX_set_max_proto_version(handle(), version);
  }
  SSL_CTX_set_mode(handle(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(handle(), 1);
  for (const key_pair& each : wanted.keys) load(each);
  load_trust(wanted);
  set_ciphers(wanted);
  set_verification(wanted);
  set_options(wanted);
  set_key_exchange(wanted);
  set_protocols(wanted);
  set_callbacks(wanted);
}

void openssl_context::load(const key_pair& pair) {
  if (!pair.key.empty()) {
    check_readable("error loading private key", pair.key);
    password_question question{.answer = pair.password};
    SSL_CTX_set_default_passwd_cb(handle(), &answer_password);
    SSL_CTX_set_default_passwd_cb_userdata(handle(), &question);
    const bool loaded = SSL_CTX_use_PrivateKey_file(handle(), pair.key.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(handle(), nullptr);
    SSL_CTX_set_default_passwd_cb(handle(), nullptr);
    if (!loaded) {
      fail("error loading private key (" + pair.key + ": " + first_reason() + ")", question.asked && !pair.password);
    }
  }
  if (!pair.certificate.empty()) {
    check_readable("error loading certificate", pair.certificate);
    if (SSL_CTX_use_certificate_chain_file(handle(), pair.certificate.c_str()) != 1) {
      fail("error loading certificate (" + pair.certificate + ": " + first_reason() + ")");
    }
    if (!pair.key.empty() && SSL_CTX_check_private_key(handle()) != 1) fail("private key does not match public key");
  }
}

void openssl_context::load_trust(const parameters& wanted) {
  if (!wanted.ca_file.empty()) {
    check_readable("error loading CA locations", wanted.ca_file);
    if (SSL_CTX_load_verify_file(handle(), wanted.ca_file.c_str()) != 1) {
      fail("error loading CA locations (" + wanted.ca_file + ": " + first_reason() + ")");
    }
  }
  if (!wanted.ca_path.empty() && SSL_CTX_load_verify_dir(handle(), wanted.ca_path.c_str()) != 1) {
    fail("error loading CA locations (" + wanted.ca_path + ": " + first_reason() + ")");
  }
  const bool names_trust = !wanted.ca_file.empty() || !wanted.ca_path.empty();
  if (wanted.default_trust.value_or(verifies(wanted) && !names_trust) &&
      SSL_CTX_set_default_verify_paths(handle()) != 1) {
    fail_with_reason("error loading CA locations");
  }
}

void openssl_context::set_ciphers(const parameters& wanted) {
  if (!wanted.ciphers.empty() && SSL_CTX_set_cipher_list(handle(), wanted.ciphers.c_str()) != 1) {
    fail_with_reason("error setting cipher list");
  }
  if (!wanted.cipher_suites.empty() && SSL_CTX_set_ciphersuites(handle(), wanted.cipher_suites.c_str()) != 1) {
    fail_with_reason("error setting cipher list");
  }
}

void openssl_context::set_verification(const parameters& wanted) {
  int how = 0;
  for (const std::string& each : wanted.verify) how |= verification_of(each);
  if (wanted.verify.empty() && mode_ == role::client) how = SSL_VERIFY_PEER;
  SSL_CTX_set_verify(handle(), how, nullptr);
  verifies_host_ = wanted.verify_host.value_or(verifies(wanted));
  if (wanted.depth) SSL_CTX_set_verify_depth(handle(), *wanted.depth);
  unsigned long revocation = 0;
  for (const std::string& each : wanted.verify_extras) {
    if (each == "lsec_continue") {
      continues_ = true;
      SSL_CTX_set_verify(handle(), SSL_CTX_get_verify_mode(handle()), &note_and_continue);
    } else if (each == "lsec_ignore_purpose") {
      SSL_CTX_set_cert_verify_callback(handle(), &verify_for_any_purpose, nullptr);
    } else if (each == "crl_check") {
      revocation |= X509_V_FLAG_CRL_CHECK;
    } else if (each == "crl_check_chain") {
      revocation |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    } else {
      fail("invalid verify option (" + each + ")");
    }
  }
  if (revocation != 0) X509_STORE_set_flags(SSL_CTX_get_cert_store(handle()), revocation);
}

void openssl_context::set_options(const parameters& wanted) {
  std::uint64_t all = SSL_OP_NO_RENEGOTIATION;
  for (const std::string& each : wanted.options) {
    const auto bits = option_bits(each);
    if (!bits) fail("invalid option (" + each + ")");
    all |= *bits;
  }
  SSL_CTX_set_options(handle(), all);
}

void openssl_context::set_key_exchange(const parameters& wanted) {
  if (wanted.dh_parameters.empty()) {
    SSL_CTX_set_dh_auto(handle(), 1);
  } else {
    const bio_ptr in{made(BIO_new_mem_buf(wanted.dh_parameters.data(), static_cast<int>(wanted.dh_parameters.size())))};
    key_ptr parameters{PEM_read_bio_Parameters(in.get(), nullptr)};
    if (!parameters || SSL_CTX_set0_tmp_dh_pkey(handle(), parameters.get()) != 1) {
      fail_with_reason("error loading DH parameters");
    }
    static_cast<void>(parameters.release());  // the context owns it now
  }
  if (!wanted.curves.empty()) {
    if (SSL_CTX_set1_groups_list(handle(), wanted.curves.c_str()) != 1) {
      fail("unknown elliptic curve in \"" + wanted.curves + "\"");
    }
  } else if (!wanted.curve.empty() && SSL_CTX_set1_groups_list(handle(), wanted.curve.c_str()) != 1) {
    fail("elliptic curve '" + wanted.curve + "' not supported");
  }
}

void openssl_context::set_protocols(const parameters& wanted) {
  protocols_ = wanted.protocols;
  if (mode_ == role::client && !protocols_.empty()) {
    const std::string list = wire_format(protocols_);
    const bool refused = SSL_CTX_set_alpn_protos(handle(), reinterpret_cast<const unsigned char*>(list.data()),
                                                 static_cast<unsigned>(list.size())) != 0;
    if (refused) fail_with_reason("error setting protocols");
  }
  if (wanted.dane && SSL_CTX_dane_enable(handle()) != 1) fail_with_reason("error enabling DANE");
  if (wanted.dane_without_names) SSL_CTX_dane_set_flags(handle(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);
}

void openssl_context::set_callbacks(const parameters& wanted) {
  if (mode_ == role::server) {
    if (!protocols_.empty() || asks_for_protocols_) {
      SSL_CTX_set_alpn_select_cb(handle(), &copas::tls::choose_protocol, nullptr);
    }
    SSL_CTX_set_client_hello_cb(handle(), &copas::tls::answer_hello, nullptr);
    SSL_CTX_set_session_id_context(handle(), reinterpret_cast<const unsigned char*>(&number_), sizeof number_);
    if (!wanted.names.empty() || wanted.strict_names) {
      answer_names();
      names_ =
          std::make_shared<const server_names>(server_names{.contexts = wanted.names, .strict = wanted.strict_names});
    }
  } else if (!continues_ && !wanted.dane) {  // a resumed session is not verified again
    SSL_CTX_set_session_cache_mode(handle(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(handle(), &copas::tls::keep_session);
  }
}

void openssl_context::answer_names() noexcept {
  SSL_CTX_callback_ctrl(handle(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&copas::tls::answer_name));
}

std::unique_ptr<session> openssl_context::open() noexcept {
  try {
    ssl_ptr fresh{SSL_new(handle())};
    if (fresh) return openssl_session::make(shared_from_this(), std::move(fresh));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return nullptr;
}

void openssl_context::set_session_id_context(SSL* ssl) const noexcept {
  SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(&number_), sizeof number_);
}

SSL_SESSION* openssl_context::kept_for(const std::string& peer) const noexcept {
  const auto found = kept_.find(peer);
  return found == kept_.end() ? nullptr : found->second.get();
}

ssl_session_ptr& openssl_context::place_for(const std::string& peer) {
  if (kept_.size() >= most_kept_sessions) kept_.clear();
  return kept_[peer];
}

}  // namespace copas::tls
