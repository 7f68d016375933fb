#pragma once

#include <cstdint>
#include <unordered_map>

#include "copas/tls/engine.hpp"
#include "tls/openssl/handles.hpp"

namespace copas::tls {

class openssl_session;

/// What a server has for the names that clients ask for.
struct server_names {
  std::map<std::string, context_ptr> contexts;
  bool strict = false;
};

class openssl_context final : public context, public std::enable_shared_from_this<openssl_context> {
 public:
  [[nodiscard]] static std::expected<context_ptr, failure> make(const parameters& wanted);

  [[nodiscard]] role mode() const noexcept override { return mode_; }
  [[nodiscard]] std::unique_ptr<session> open() noexcept override;

  [[nodiscard]] SSL_CTX* handle() const noexcept { return context_.get(); }
  [[nodiscard]] const std::vector<std::string>& protocols() const noexcept { return protocols_; }
  [[nodiscard]] bool verifies_host() const noexcept { return verifies_host_; }
  [[nodiscard]] bool asks_for_protocols() const noexcept { return asks_for_protocols_; }
  [[nodiscard]] const std::shared_ptr<const server_names>& names() const noexcept { return names_; }
  /// Has OpenSSL ask a server's sessions about the names that clients ask for. Where it does, OpenSSL cannot tell early that
  /// there is no certificate for anybody, and gives another reason.
  void answer_names() noexcept;
  /// Lets a server's session be resumed in this context only, for others may verify less.
  void set_session_id_context(SSL* ssl) const noexcept;

  /// The last TLS session that a client had with `peer`; null if there is none.
  [[nodiscard]] SSL_SESSION* kept_for(const std::string& peer) const noexcept;
  /// Where that is kept.
  [[nodiscard]] ssl_session_ptr& place_for(const std::string& peer);

 private:
  explicit openssl_context(const parameters& wanted);
  void load(const key_pair& pair);
  void load_trust(const parameters& wanted);
  void set_ciphers(const parameters& wanted);
  void set_verification(const parameters& wanted);
  void set_options(const parameters& wanted);
  void set_key_exchange(const parameters& wanted);
  void set_protocols(const parameters& wanted);
  void set_callbacks(const parameters& wanted);

  ssl_context_ptr context_;
  role mode_;
  std::vector<std::string> protocols_;
  std::unordered_map<std::string, ssl_session_ptr> kept_;
  std::shared_ptr<const server_names> names_;  // null: there are none
  std::uint64_t number_;
  bool continues_ = false;
  bool verifies_host_ = false;
  bool asks_for_protocols_;
};

}  // namespace copas::tls
