#include "tls/openssl/options.hpp"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

namespace copas::tls {
namespace {

struct option {
  std::string_view name;
  std::uint64_t bits;
};

// Sorted by name. Those of old libraries that OpenSSL 3 has no bits for are here for the programs that name them.
constexpr std::array options{
    option{"all", SSL_OP_ALL},
    option{"allow_client_renegotiation", 0},  // it is always refused
    option{"allow_no_dhe_kex", SSL_OP_ALLOW_NO_DHE_KEX},
    option{"allow_unsafe_legacy_renegotiation", SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION},
    option{"cipher_server_preference", SSL_OP_CIPHER_SERVER_PREFERENCE},
    option{"cisco_anyconnect", SSL_OP_CISCO_ANYCONNECT},
    option{"cleanse_plaintext", SSL_OP_CLEANSE_PLAINTEXT},
    option{"cookie_exchange", SSL_OP_COOKIE_EXCHANGE},
    option{"cryptopro_tlsext_bug", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    option{"disable_tlsext_ca_names", SSL_OP_DISABLE_TLSEXT_CA_NAMES},
    option{"dont_insert_empty_fragments", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    option{"enable_ktls", 0},  // the kernel would have to own the descriptor's records
    option{"enable_middlebox_compat", SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
    option{"ephemeral_rsa", 0},
    option{"ignore_unexpected_eof", SSL_OP_IGNORE_UNEXPECTED_EOF},
    option{"legacy_server_connect", SSL_OP_LEGACY_SERVER_CONNECT},
    option{"microsoft_big_sslv3_buffer", 0},
    option{"microsoft_sess_id_bug", 0},
    option{"msie_sslv2_rsa_padding", 0},
    option{"netscape_ca_dn_bug", 0},
    option{"netscape_challenge_bug", 0},
    option{"netscape_demo_cipher_change_bug", 0},
    option{"netscape_reuse_cipher_change_bug", 0},
    option{"no_anti_replay", SSL_OP_NO_ANTI_REPLAY},
    option{"no_compression", SSL_OP_NO_COMPRESSION},
    option{"no_dtls_mask", SSL_OP_NO_DTLS_MASK},
    option{"no_dtlsv1", SSL_OP_NO_DTLSv1},
    option{"no_dtlsv1_2", SSL_OP_NO_DTLSv1_2},
    option{"no_encrypt_then_mac", SSL_OP_NO_ENCRYPT_THEN_MAC},
    option{"no_extended_master_secret", SSL_OP_NO_EXTENDED_MASTER_SECRET},
    option{"no_query_mtu", SSL_OP_NO_QUERY_MTU},
    option{"no_renegotiation", SSL_OP_NO_RENEGOTIATION},
    option{"no_session_resumption_on_renegotiation", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    option{"no_ssl_mask", SSL_OP_NO_SSL_MASK},
    option{"no_sslv2", 0},
    option{"no_sslv3", SSL_OP_NO_SSLv3},
    option{"no_ticket", SSL_OP_NO_TICKET},
    option{"no_tlsv1", SSL_OP_NO_TLSv1},
    option{"no_tlsv1_1", SSL_OP_NO_TLSv1_1},
    option{"no_tlsv1_2", SSL_OP_NO_TLSv1_2},
    option{"no_tlsv1_3", SSL_OP_NO_TLSv1_3},
    option{"pkcs1_check_1", 0},
    option{"pkcs1_check_2", 0},
    option{"prioritize_chacha", SSL_OP_PRIORITIZE_CHACHA},
    option{"safari_ecdhe_ecdsa_bug", SSL_OP_SAFARI_ECDHE_ECDSA_BUG},
    option{"single_dh_use", 0},
    option{"single_ecdh_use", 0},
    option{"ssleay_080_client_dh_bug", 0},
    option{"sslref2_reuse_cert_type_bug", 0},
    option{"tls_block_padding_bug", 0},
    option{"tls_d5_bug", 0},
    option{"tls_rollback_bug", SSL_OP_TLS_ROLLBACK_BUG},
    option{"tlsext_padding", SSL_OP_TLSEXT_PADDING},
};
static_assert(std::ranges::is_sorted(options, {}, &option::name));

}  // namespace

std::optional<std::uint64_t> option_bits(std::string_view name) noexcept {
  const auto found = std::ranges::lower_bound(options, name, {}, &option::name);
  if (found == options.end() || found->name != name) return std::nullopt;
  return found->bits;
}

std::vector<std::string> all_option_names() {
  std::vector<std::string> names;
  names.reserve(options.size());
  for (const option& each : options) names.emplace_back(each.name);
  return names;
}

std::vector<std::string> all_curve_names() {
  std::vector<EC_builtin_curve> curves(EC_get_builtin_curves(nullptr, 0));
  EC_get_builtin_curves(curves.data(), curves.size());
  std::vector<std::string> names{"X25519", "X448"};
  for (const EC_builtin_curve& each : curves) {
    if (const char* const name = OBJ_nid2sn(each.nid)) names.emplace_back(name);
    if (const char* const name = EC_curve_nid2nist(each.nid)) names.emplace_back(name);
  }
  return names;
}

}  // namespace copas::tls
