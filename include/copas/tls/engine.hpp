#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copas/core/reactor.hpp"

// What the project asks of a TLS library. There is one implementation, on OpenSSL 3 (src/tls/openssl). It is a library of
// its own, so that programs which use no TLS do not load OpenSSL; hence this interface of virtual functions, none of which
// lets an exception out, and none of which knows of loops and descriptors.
namespace copas::tls {

enum class role : std::uint8_t { client, server };
enum class party : std::uint8_t { self, peer };

/// A certificate chain, leaf first, and the key of the leaf: files in PEM.
struct key_pair {
  std::string certificate;
  std::string key;
  std::optional<std::string> password;  ///< of an encrypted key
};

class context;
using context_ptr = std::shared_ptr<context>;

/// What a context is made of. Names are those of OpenSSL, in lower case where LuaSec has them so.
///
/// The defaults are the safe ones: a client verifies the peer's chain, against the trust anchors of the system if none are
/// named, and that its certificate is for the host asked for; and both sides speak TLS 1.2 or newer.
struct parameters {
  role mode = role::client;
  std::string protocol = "any";  ///< "any", or the one version: "tlsv1_2", "tlsv1_3", ...
  std::vector<key_pair> keys;
  std::string ca_file;  ///< trust anchors, a PEM file
  std::string ca_path;  ///< trust anchors, a folder of PEM files named by hash
  /// Also those of the system; SSL_CERT_FILE and SSL_CERT_DIR apply. Unset: for a client that verifies, and names no others.
  std::optional<bool> default_trust;
  /// The peer's certificate has to be for the name that a client expects, and it must expect one. Unset: if it verifies.
  std::optional<bool> verify_host;
  /// "none", "peer", "client_once", "fail_if_no_peer_cert". Empty: "peer" for a client, "none" for a server.
  std::vector<std::string> verify;
  std::vector<std::string> verify_extras;  ///< "lsec_continue", "lsec_ignore_purpose", "crl_check", "crl_check_chain"
  std::optional<int> depth;  ///< of the certificate chain
  std::vector<std::string> options = {"no_tlsv1", "no_tlsv1_1"};  ///< and "no_ticket", ...
  std::string ciphers;  ///< of TLS 1.2 and older
  std::string cipher_suites;  ///< of TLS 1.3
  std::string dh_parameters;  ///< PEM
  std::string curve;
  std::string curves;  ///< separated by colons; wins over `curve`
  std::vector<std::string> protocols;  ///< ALPN, in order of preference
  bool asks_for_protocols = false;  ///< a server's sessions stop to be told `choose_protocols`
  bool dane = false;
  /// A TLSA record for the peer's own certificate says enough. @see RFC 7671 section 5.1
  bool dane_without_names = false;
  std::map<std::string, context_ptr> names;  ///< what a server uses for those that clients ask for (SNI)
  bool strict_names = false;  ///< refuse clients that ask for another name
};

/// Why something could not be made: a text in LuaSec's words.
struct failure {
  std::string text;
  bool wants_password = false;  ///< the key is encrypted, and no password was given
};

/// One part of a distinguished name.
struct name_entry {
  std::string oid;
  std::string name;
  std::string value;
};

/// An extension of a certificate, with the names it holds by kind: "dNSName", "iPAddress", ...
struct extension {
  std::string oid;
  std::string name;
  std::map<std::string, std::vector<std::string>> names;
};

/// The key in a certificate.
struct public_key {
  std::string pem;
  std::string type;  ///< "RSA", "DSA", "DH", "EC" or "Unknown"
  int bits = 0;
};

/// An X.509 certificate.
class certificate {
 public:
  certificate() = default;
  certificate(const certificate&) = delete;
  certificate& operator=(const certificate&) = delete;
  virtual ~certificate() = default;

  [[nodiscard]] virtual std::vector<name_entry> subject() const = 0;
  [[nodiscard]] virtual std::vector<name_entry> issuer() const = 0;
  [[nodiscard]] virtual std::vector<extension> extensions() const = 0;
  /// @param algorithm  "sha1", "sha256", "sha512", ...
  /// @return  hexadecimal, lower case; empty for an algorithm that is not known.
  [[nodiscard]] virtual std::string digest(const std::string& algorithm) const = 0;
  /// Since when, and until when, it is valid, as ASN1_TIME_print(3) has it: "Nov 30 00:00:00 2026 GMT".
  [[nodiscard]] virtual std::string not_before() const = 0;
  [[nodiscard]] virtual std::string not_after() const = 0;
  [[nodiscard]] virtual bool valid_at(std::time_t when) const noexcept = 0;
  [[nodiscard]] virtual std::string serial() const = 0;  ///< hexadecimal, upper case
  [[nodiscard]] virtual std::string pem() const = 0;
  [[nodiscard]] virtual public_key key() const = 0;
  /// How it was signed: "ecdsa-with-SHA256", ...
  [[nodiscard]] virtual std::string signature_name() const = 0;
  /// Why `leaf` was not issued by this certificate, by way of `chain`; empty if it was.
  [[nodiscard]] virtual std::string refuses(const certificate& leaf,
                                            std::span<const certificate* const> chain) const = 0;
  /// Gives names in UTF-8, or as they are.
  virtual void encode_utf8(bool wanted) noexcept = 0;
};
using certificate_ptr = std::unique_ptr<certificate>;

/// Where the ciphertext of a session comes from and goes to.
class transport {
 public:
  virtual moved receive(std::span<std::byte> into) noexcept = 0;
  virtual moved send(std::span<const std::byte> from) noexcept = 0;

 protected:
  ~transport() = default;
};

/// How one step of a session ended.
enum class progress : std::uint8_t {
  done,
  wants_read,  ///< more ciphertext is needed
  wants_write,  ///< the transport takes no more
  wants_protocols,  ///< a server is to call `choose_protocols`
  ended,  ///< the peer has ended the session in good order
  transport_failed,
  failed,  ///< `reason` says why
};
struct step {
  progress how = progress::done;
  std::size_t bytes = 0;  ///< of plain text that were moved
  std::string reason{};  ///< in OpenSSL's words
};

/// What was agreed on.
struct connection_info {
  std::string protocol{};  ///< "TLSv1.3"
  std::string description{};  ///< of the cipher, as SSL_CIPHER_description(3) has it; empty if there is none
  int bits = 0;
  int algorithm_bits = 0;
  std::string compression{};
};

/// One connection's TLS. What is not `noexcept`, here and below, throws `std::bad_alloc`.
class session {
 public:
  session() = default;
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  virtual ~session() = default;

  [[nodiscard]] virtual role mode() const noexcept = 0;
  /// Goes on with the handshake, as far as the ciphertext that is there leads.
  [[nodiscard]] virtual step handshake(transport& via) noexcept = 0;
  /// Decrypts what has come into `into`, which is at least one byte long.
  [[nodiscard]] virtual step read(transport& via, std::span<std::byte> into) noexcept = 0;
  /// Encrypts some of `from` and sends what the transport takes; keeps the rest. @pre !unsent()
  [[nodiscard]] virtual step write(transport& via, std::span<const std::byte> from) noexcept = 0;
  /// Sends ciphertext that is kept.
  [[nodiscard]] virtual step flush(transport& via) noexcept = 0;
  /// Is ciphertext kept that the transport did not take?
  [[nodiscard]] virtual bool unsent() const noexcept = 0;
  /// Can something be read without the transport?
  [[nodiscard]] virtual bool readable() const noexcept = 0;
  /// Did the last step end for lack of ciphertext?
  [[nodiscard]] virtual bool starved() const noexcept = 0;
  /// Tells the peer that nothing follows. What of it the transport does not take at once is `unsent`.
  virtual void shut_down(transport& via) noexcept = 0;
  /// Gives away the ciphertext that is kept.
  [[nodiscard]] virtual std::string take_unsent() noexcept = 0;

  /// The name that a client asks for (SNI). An address is not asked for.
  virtual void ask_for(const std::string& host) = 0;
  /// The name or address that the peer's certificate must be for, where the context verifies that.
  virtual void expect(const std::string& host) = 0;
  /// The contexts that a server uses for the names that clients ask for, instead of those of `parameters`.
  ///
  /// @param strict  refuse clients that ask for another name.
  virtual void serve(std::map<std::string, context_ptr> by_name, bool strict) = 0;
  /// What the client offered by ALPN, after `progress::wants_protocols`.
  [[nodiscard]] virtual std::vector<std::string> offered_protocols() const = 0;
  /// Answers it: the first of these that was offered is spoken. The handshake is to be repeated then.
  virtual void choose_protocols(std::vector<std::string> preferred) noexcept = 0;

  /// The name that the client has asked for (SNI), if it has.
  [[nodiscard]] virtual std::optional<std::string> server_name() const = 0;
  /// What was agreed on by ALPN, if anything was.
  [[nodiscard]] virtual std::optional<std::string> protocol() const = 0;
  [[nodiscard]] virtual connection_info info() const = 0;
  /// The peer's certificates, leaf first.
  [[nodiscard]] virtual std::vector<certificate_ptr> peer_chain() const = 0;
  /// Why the peer's chain is not to be trusted; empty if it is, or was not verified.
  [[nodiscard]] virtual std::string verification_error() const = 0;
  /// With "lsec_continue", all that was wrong, by depth.
  [[nodiscard]] virtual std::vector<std::vector<std::string>> verification_errors() const = 0;
  /// The bytes of the message "Finished" of one side; empty before the handshake is over. @see RFC 5929
  [[nodiscard]] virtual std::string finished(party whose) const = 0;
  /// @return  empty if it fails. @see RFC 5705
  [[nodiscard]] virtual std::string export_keying_material(const std::string& label, std::size_t length,
                                                           const std::optional<std::string>& about) const = 0;
  /// Was an earlier session taken up?
  [[nodiscard]] virtual bool resumed() const noexcept = 0;
  /// Takes up the session of another connection of a client, if that can be resumed, instead of one that was kept.
  /// @pre the handshake has not begun
  virtual void resume(const session& earlier) noexcept = 0;
  /// Lets the records that `add_tlsa` adds say which certificates of the host are good.
  /// @return  false if the context has no DANE.
  [[nodiscard]] virtual bool set_dane(const std::string& host) = 0;
  /// @return  above zero if the record can be used, zero if not, below if it is malformed. @see RFC 6698
  [[nodiscard]] virtual int add_tlsa(int usage, int selector, int matching, const std::string& data) noexcept = 0;
};

/// Keys, trust and rules for any number of sessions.
class context {
 public:
  context() = default;
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  virtual ~context() = default;

  [[nodiscard]] virtual role mode() const noexcept = 0;
  /// A new session; null for lack of memory. It keeps the context alive.
  [[nodiscard]] virtual std::unique_ptr<session> open() noexcept = 0;
};

/// The library.
class engine {
 public:
  [[nodiscard]] virtual std::expected<context_ptr, failure> make_context(const parameters& wanted) = 0;
  /// @return  null if it is no certificate.
  [[nodiscard]] virtual certificate_ptr load_certificate(std::string_view pem) = 0;
  /// Names that the library knows: of options, as LuaSec spells them, and of elliptic curves.
  [[nodiscard]] virtual std::vector<std::string> option_names() = 0;
  [[nodiscard]] virtual std::vector<std::string> curve_names() = 0;

 protected:
  ~engine() = default;
};

/// The engine on OpenSSL: in libcopas, and in the companion of the Lua modules.
[[nodiscard]] engine& openssl_engine() noexcept;

}  // namespace copas::tls
