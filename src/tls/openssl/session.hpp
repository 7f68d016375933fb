#pragma once

#include <utility>

#include "copas/tls/engine.hpp"
#include "tls/openssl/context.hpp"
#include "tls/openssl/handles.hpp"

namespace copas::tls {

/// Names of protocols as ALPN sends them.
[[nodiscard]] std::string wire_format(const std::vector<std::string>& protocols);

class openssl_session final : public session {
 public:
  /// @return  null for lack of memory.
  [[nodiscard]] static std::unique_ptr<openssl_session> make(std::shared_ptr<openssl_context> shared, ssl_ptr ssl);

  [[nodiscard]] role mode() const noexcept override { return context_->mode(); }
  [[nodiscard]] step handshake(transport& via) noexcept override;
  [[nodiscard]] step read(transport& via, std::span<std::byte> into) noexcept override;
  [[nodiscard]] step write(transport& via, std::span<const std::byte> from) noexcept override;
  [[nodiscard]] step flush(transport& via) noexcept override;
  [[nodiscard]] bool unsent() const noexcept override { return !out_.empty(); }
  [[nodiscard]] bool readable() const noexcept override;
  [[nodiscard]] bool starved() const noexcept override { return starved_; }
  void shut_down(transport& via) noexcept override;
  [[nodiscard]] std::string take_unsent() noexcept override { return std::exchange(out_, {}); }
  void ask_for(const std::string& host) override;
  void expect(const std::string& host) override;
  void serve(std::map<std::string, context_ptr> by_name, bool strict) override;
  [[nodiscard]] std::vector<std::string> offered_protocols() const override { return offered_; }
  void choose_protocols(std::vector<std::string> preferred) noexcept override;
  [[nodiscard]] std::optional<std::string> server_name() const override;
  [[nodiscard]] std::optional<std::string> protocol() const override;
  [[nodiscard]] connection_info info() const override;
  [[nodiscard]] std::vector<certificate_ptr> peer_chain() const override;
  [[nodiscard]] std::string verification_error() const override;
  [[nodiscard]] std::vector<std::vector<std::string>> verification_errors() const override {
    return verification_errors_;
  }
  [[nodiscard]] std::string finished(party whose) const override;
  [[nodiscard]] std::string export_keying_material(const std::string& label, std::size_t length,
                                                   const std::optional<std::string>& about) const override;
  [[nodiscard]] bool resumed() const noexcept override { return SSL_session_reused(ssl_.get()) == 1; }
  void resume(const session& earlier) noexcept override;
  [[nodiscard]] bool set_dane(const std::string& host) override;
  [[nodiscard]] int add_tlsa(int usage, int selector, int matching, const std::string& data) noexcept override;

  // What OpenSSL calls, by way of the context; results as its callbacks have them.
  [[nodiscard]] bool note_verification_error(int depth, int error) noexcept;
  int answer_hello();
  int answer_name();
  int choose_protocol(std::span<const unsigned char> offered, const unsigned char** chosen, unsigned char* length);
  int keep(SSL_SESSION* fresh);

  // What its BIO calls.
  int receive(std::span<std::byte> into);
  int send(std::span<const std::byte> from);
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }

 private:
  openssl_session(std::shared_ptr<openssl_context> shared, ssl_ptr ssl) noexcept;
  [[nodiscard]] step shake_hands(transport& via);
  [[nodiscard]] step result_of(int outcome);
  void choose_context();
  [[nodiscard]] bool stop_for_protocols();

  std::shared_ptr<openssl_context> context_;
  const openssl_context* serving_;  // that of the name that the client asks for; kept alive by `names_` or `context_`
  ssl_ptr ssl_;
  std::string out_;  // ciphertext that waits for the transport
  std::string asked_, expected_;  // names
  std::shared_ptr<const server_names> names_;  // null: there is only one
  std::vector<std::string> offered_, preferred_;
  std::vector<std::vector<std::string>> verification_errors_;
  std::optional<step> failure_;  // of the handshake
  transport* transport_ = nullptr;  // during a call
  bool gathers_ = false;  // what is written leaves when the call ends
  bool stopped_ = false;
  bool at_end_ = false;
  bool transport_failed_ = false;
  bool lacked_memory_ = false;  // what OpenSSL has called
  bool starved_ = false;  // nothing has come since a step ended for lack of ciphertext
};

}  // namespace copas::tls
