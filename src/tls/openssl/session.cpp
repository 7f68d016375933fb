// A session reads and writes ciphertext through a BIO of ours. Reading never waits for room: what the library wants to send
// meanwhile (alerts, key updates, tickets) is sent as far as that can be done at once, and else goes out with the next
// flight. So receiving waits for the peer
// only, and sending for room only.
#include "tls/openssl/session.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "tls/openssl/certificate.hpp"

namespace copas::tls {
namespace {

constexpr std::size_t largest_record = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr const char* no_memory = "out of memory";  // short enough for a string that needs none

// A step that may lack memory.
template <class Body>
step step_of(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    ERR_clear_error();
    return {.how = progress::failed, .reason = no_memory};
  }
}

openssl_session& session_of(BIO* bio) { return *static_cast<openssl_session*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const int count = session_of(bio).receive(std::as_writable_bytes(std::span{into, static_cast<std::size_t>(size)}));
  if (count < 0) BIO_set_retry_read(bio);
  return count;
}

int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  return session_of(bio).send(std::as_bytes(std::span{from, static_cast<std::size_t>(size)}));
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return session_of(bio).at_end() ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* bio_method() {
  static const bio_method_ptr method = [] {
    bio_method_ptr fresh{made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "copas transport"))};
    BIO_meth_set_create(fresh.get(), &bio_create);
    BIO_meth_set_read(fresh.get(), &bio_read);
    BIO_meth_set_write(fresh.get(), &bio_write);
    BIO_meth_set_ctrl(fresh.get(), &bio_control);
    return fresh;
  }();
  return method.get();
}

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::vector<std::string> protocols_in(std::span<const unsigned char> list) {
  std::vector<std::string> names;
  while (!list.empty() && list[0] < list.size()) {
    names.emplace_back(reinterpret_cast<const char*>(&list[1]), list[0]);
    list = list.subspan(std::size_t{list[0]} + 1);
  }
  return names;
}

std::span<const unsigned char> hello_extension(SSL* ssl, unsigned type) {
  const unsigned char* bytes = nullptr;
  std::size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &bytes, &length) != 1) return {};
  return {bytes, length};
}

// The host name of the extension server_name (RFC 6066 section 3); empty if it has none, or is malformed, of which the
// library tells the client.
std::string name_in_hello(SSL* ssl) {
  constexpr std::size_t header = 5;  // length of the list, kind of name, length of the name
  const auto list = hello_extension(ssl, TLSEXT_TYPE_server_name);
  if (list.size() <= header || list[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = std::size_t{list[3]} << 8 | list[4];
  if (length != list.size() - header) return {};
  return {reinterpret_cast<const char*>(list.data()) + header, length};
}

}  // namespace

std::string wire_format(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& each : protocols) {
    list += static_cast<char>(each.size());
    list += each;
  }
  return list;
}

openssl_session::openssl_session(std::shared_ptr<openssl_context> shared, ssl_ptr ssl) noexcept
    : context_{std::move(shared)}, serving_{context_.get()}, ssl_{std::move(ssl)}, names_{context_->names()} {}

std::unique_ptr<openssl_session> openssl_session::make(std::shared_ptr<openssl_context> shared, ssl_ptr ssl) {
  bio_ptr bio{BIO_new(bio_method())};
  if (!bio) return nullptr;
  std::unique_ptr<openssl_session> made{new openssl_session{std::move(shared), std::move(ssl)}};
  BIO_set_data(bio.get(), made.get());
  if (SSL_set_ex_data(made->ssl_.get(), 0, made.get()) != 1) return nullptr;  // what SSL_get_app_data returns
  BIO* const both = bio.release();
  SSL_set_bio(made->ssl_.get(), both, both);
  if (made->context_->mode() == role::server) {
    SSL_set_accept_state(made->ssl_.get());
  } else {
    SSL_set_connect_state(made->ssl_.get());
  }
  return made;
}

int openssl_session::receive(std::span<std::byte> into) {
  const moved outcome = transport_->receive(into);
  if (outcome.bytes > 0) {
    starved_ = false;
    return static_cast<int>(outcome.bytes);
  }
  if (outcome.blocked()) return -1;
  transport_failed_ = !outcome.end;
  at_end_ = true;
  return 0;
}

int openssl_session::send(std::span<const std::byte> from) {
  std::size_t sent = 0;
  if (out_.empty() && !gathers_) {
    const moved outcome = transport_->send(from);
    if (outcome.bytes == 0 && !outcome.blocked()) {
      transport_failed_ = true;
      return 0;
    }
    sent = outcome.bytes;
  }
  try {
    out_.append(reinterpret_cast<const char*>(from.data()) + sent, from.size() - sent);
  } catch (const std::bad_alloc&) {
    lacked_memory_ = true;
    return 0;
  }
  return static_cast<int>(from.size());
}

step openssl_session::result_of(int outcome) {
  if (outcome > 0) return {.bytes = static_cast<std::size_t>(outcome)};
  if (transport_failed_) {
    ERR_clear_error();
    return {.how = progress::transport_failed};
  }
  if (lacked_memory_) throw std::bad_alloc{};
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ: starved_ = true; return {.how = progress::wants_read};
    case SSL_ERROR_WANT_CLIENT_HELLO_CB: return {.how = progress::wants_protocols};
    case SSL_ERROR_ZERO_RETURN: return {.how = progress::ended};
    default: return {.how = progress::failed, .reason = first_reason()};
  }
}

step openssl_session::handshake(transport& via) noexcept {
  return step_of([&] { return shake_hands(via); });
}

step openssl_session::shake_hands(transport& via) {
  if (context_->verifies_host() && context_->mode() == role::client && expected_.empty()) {
    return {.how = progress::failed, .reason = "no name to verify the peer's certificate by"};
  }
  step before = flush(via);
  if (before.how != progress::done && (before.how == progress::wants_write || !failure_)) return before;
  if (failure_) return *failure_;
  if (SSL_is_init_finished(ssl_.get()) == 1) return {};
  if (SSL_in_before(ssl_.get()) == 1 && context_->mode() == role::client && SSL_get_session(ssl_.get()) == nullptr) {
    if (SSL_SESSION* const kept = context_->kept_for(asked_ + '/' + expected_)) SSL_set_session(ssl_.get(), kept);
  }
  ERR_clear_error();
  transport_ = &via;
  gathers_ = true;
  const int done = SSL_do_handshake(ssl_.get());
  gathers_ = false;
  const step outcome = result_of(done);
  if (outcome.how == progress::failed) failure_ = outcome;  // to be told when the alert is out
  const step sent = flush(via);
  return sent.how == progress::wants_write ? sent : outcome.how == progress::done ? sent : outcome;
}

step openssl_session::read(transport& via, std::span<std::byte> into) noexcept {
  ERR_clear_error();
  transport_ = &via;
  gathers_ = true;
  const int count = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min(into.size(), largest_record)));
  gathers_ = false;
  step outcome = step_of([&] { return result_of(count); });
  if (!out_.empty() && !transport_failed_)
    static_cast<void>(flush(via));  // what does not fit goes with the next flight
  return outcome;
}

step openssl_session::write(transport& via, std::span<const std::byte> from) noexcept {
  ERR_clear_error();
  transport_ = &via;
  const int count = SSL_write(ssl_.get(), from.data(), static_cast<int>(std::min(from.size(), largest_record)));
  return step_of([&] { return result_of(count); });
}

step openssl_session::flush(transport& via) noexcept {
  std::size_t sent = 0;
  step outcome;
  while (sent < out_.size() && outcome.how == progress::done) {
    const moved passed = via.send(std::as_bytes(std::span{out_}).subspan(sent));
    sent += passed.bytes;
    if (passed.bytes == 0) outcome.how = passed.blocked() ? progress::wants_write : progress::transport_failed;
  }
  out_.erase(0, sent);
  if (out_.empty()) out_.shrink_to_fit();
  return outcome;
}

bool openssl_session::readable() const noexcept {
  return SSL_pending(ssl_.get()) > 0 || (!starved_ && SSL_has_pending(ssl_.get()) == 1);
}

void openssl_session::shut_down(transport& via) noexcept {
  if (SSL_is_init_finished(ssl_.get()) != 1) return;
  ERR_clear_error();
  transport_ = &via;
  gathers_ = true;
  SSL_shutdown(ssl_.get());
  gathers_ = false;
  ERR_clear_error();
  if (flush(via).how == progress::transport_failed) out_ = {};
}

void openssl_session::ask_for(const std::string& host) {
  if (is_address(host)) return;
  asked_ = host;
  std::string name = host;
  if (SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) asked_.clear();
}

void openssl_session::expect(const std::string& host) {
  if (!context_->verifies_host()) return;
  expected_ = host;
  X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl_.get());
  const int done = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str())
                                    : X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  if (done != 1) expected_.clear();  // then the handshake fails: there would be no name to verify by
}

void openssl_session::serve(std::map<std::string, context_ptr> by_name, bool strict) {
  context_->answer_names();
  names_ = std::make_shared<const server_names>(server_names{.contexts = std::move(by_name), .strict = strict});
}

void openssl_session::choose_protocols(std::vector<std::string> preferred) noexcept {
  preferred_ = std::move(preferred);
}

std::optional<std::string> openssl_session::server_name() const {
  if (!asked_.empty()) return asked_;
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return std::nullopt;
  return name;
}

std::optional<std::string> openssl_session::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  if (length == 0) return std::nullopt;
  return std::string{reinterpret_cast<const char*>(name), length};
}

connection_info openssl_session::info() const {
  connection_info found{.protocol = SSL_get_version(ssl_.get())};
  if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get())) {
    char text[256] = "";
    SSL_CIPHER_description(cipher, text, sizeof text);
    found.description = text;
    found.bits = SSL_CIPHER_get_bits(cipher, &found.algorithm_bits);
  }
  if (const COMP_METHOD* const compression = SSL_get_current_compression(ssl_.get())) {
    found.compression = SSL_COMP_get_name(compression);
  }
  return found;
}

std::vector<certificate_ptr> openssl_session::peer_chain() const {
  std::vector<certificate_ptr> chain;
  x509_ptr leaf{SSL_get1_peer_certificate(ssl_.get())};
  if (!leaf) return chain;
  chain.push_back(make_certificate(std::move(leaf)));
  STACK_OF(X509)* const others = SSL_get_peer_cert_chain(ssl_.get());
  // A server's list has the leaf in front, a client's has not.
  for (int each = context_->mode() == role::client ? 1 : 0; each < sk_X509_num(others); ++each) {
    X509* const certificate = sk_X509_value(others, each);
    X509_up_ref(certificate);
    chain.push_back(make_certificate(x509_ptr{certificate}));
  }
  return chain;
}

std::string openssl_session::verification_error() const {
  const long outcome = SSL_get_verify_result(ssl_.get());
  return outcome == X509_V_OK ? "" : X509_verify_cert_error_string(outcome);
}

std::string openssl_session::finished(party whose) const {
  char bytes[EVP_MAX_MD_SIZE];
  const std::size_t length = whose == party::self ? SSL_get_finished(ssl_.get(), bytes, sizeof bytes)
                                                  : SSL_get_peer_finished(ssl_.get(), bytes, sizeof bytes);
  return {bytes, std::min(length, sizeof bytes)};
}

std::string openssl_session::export_keying_material(const std::string& label, std::size_t length,
                                                    const std::optional<std::string>& about) const {
  std::string bytes(length, '\0');
  const auto* const text = about ? reinterpret_cast<const unsigned char*>(about->data()) : nullptr;
  const int done =
      SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(bytes.data()), length, label.data(),
                                 label.size(), text, about ? about->size() : 0, about ? 1 : 0);
  ERR_clear_error();
  return done == 1 ? bytes : std::string{};
}

bool openssl_session::set_dane(const std::string& host) {
  expected_ = host;
  return SSL_dane_enable(ssl_.get(), host.c_str()) > 0;
}

int openssl_session::add_tlsa(int usage, int selector, int matching, const std::string& data) noexcept {
  const int outcome = SSL_dane_tlsa_add(ssl_.get(), static_cast<std::uint8_t>(usage),
                                        static_cast<std::uint8_t>(selector), static_cast<std::uint8_t>(matching),
                                        reinterpret_cast<const unsigned char*>(data.data()), data.size());
  ERR_clear_error();
  return outcome;
}

bool openssl_session::note_verification_error(int depth, int error) noexcept {
  const auto at = static_cast<std::size_t>(depth);
  try {
    if (verification_errors_.size() <= at) verification_errors_.resize(at + 1);
    verification_errors_[at].emplace_back(X509_verify_cert_error_string(error));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

// Before anything is taken from the client's hello: the context decides whether its session may be resumed.
int openssl_session::answer_hello() {
  if (stopped_) return SSL_CLIENT_HELLO_SUCCESS;
  try {
    asked_ = name_in_hello(ssl_.get());
    choose_context();
    return stop_for_protocols() ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
  } catch (const std::bad_alloc&) {
    lacked_memory_ = true;
    return SSL_CLIENT_HELLO_ERROR;
  }
}

void openssl_session::choose_context() {
  if (!names_ || asked_.empty()) return;
  const auto found = names_->contexts.find(asked_);
  if (found == names_->contexts.end()) return;
  serving_ = static_cast<const openssl_context*>(found->second.get());
  SSL_CTX* const rules = made(SSL_set_SSL_CTX(ssl_.get(), serving_->handle()));
  // That changes certificates and trust, and nothing of what was copied when the session was made.
  SSL_set_verify(ssl_.get(), SSL_CTX_get_verify_mode(rules), SSL_CTX_get_verify_callback(rules));
  SSL_set_verify_depth(ssl_.get(), SSL_CTX_get_verify_depth(rules));
  SSL_clear_options(ssl_.get(), SSL_get_options(ssl_.get()) & ~SSL_CTX_get_options(rules));
  SSL_set_options(ssl_.get(), SSL_CTX_get_options(rules));
  SSL_set_min_proto_version(ssl_.get(), static_cast<int>(SSL_CTX_get_min_proto_version(rules)));
  SSL_set_max_proto_version(ssl_.get(), static_cast<int>(SSL_CTX_get_max_proto_version(rules)));
  serving_->set_session_id_context(ssl_.get());
}

// A client that is to be told protocols by a function of the program has to wait for it.
bool openssl_session::stop_for_protocols() {
  if (!serving_->asks_for_protocols()) return false;
  constexpr std::size_t header = 2;  // the length of the list
  const auto list = hello_extension(ssl_.get(), TLSEXT_TYPE_application_layer_protocol_negotiation);
  if (list.size() <= header) return false;
  offered_ = protocols_in(list.subspan(header));
  stopped_ = true;
  return true;
}

int openssl_session::answer_name() {
  if (!names_ || asked_.empty()) return SSL_TLSEXT_ERR_NOACK;
  if (serving_ != context_.get() || names_->contexts.contains(asked_)) return SSL_TLSEXT_ERR_OK;
  return names_->strict ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

int openssl_session::choose_protocol(std::span<const unsigned char> offered, const unsigned char** chosen,
                                     unsigned char* length) {
  for (const std::string& wanted : stopped_ ? preferred_ : serving_->protocols()) {
    for (auto left = offered; !left.empty() && left[0] < left.size(); left = left.subspan(std::size_t{left[0]} + 1)) {
      if (!std::ranges::equal(left.subspan(1, left[0]), wanted, {}, {},
                              [](char each) { return static_cast<unsigned char>(each); }))
        continue;
      *chosen = &left[1];
      *length = left[0];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;
}

void openssl_session::resume(const session& earlier) noexcept {
  const auto* const other = dynamic_cast<const openssl_session*>(&earlier);  // a closed one is another kind
  SSL_SESSION* const known = other == nullptr ? nullptr : SSL_get_session(other->ssl_.get());
  if (known != nullptr && SSL_SESSION_is_resumable(known) == 1) SSL_set_session(ssl_.get(), known);
}

int openssl_session::keep(SSL_SESSION* fresh) {
  if (asked_.empty() && expected_.empty()) return 0;
  try {
    context_->place_for(asked_ + '/' + expected_).reset(fresh);
  } catch (const std::bad_alloc&) {
    return 0;  // the next handshake is a full one
  }
  return 1;  // it is ours now
}

}  // namespace copas::tls
