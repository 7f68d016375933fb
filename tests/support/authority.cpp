#include "support/authority.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "support/temporary_path.hpp"

namespace copas::testing {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using key_owner = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using x509_owner = std::unique_ptr<X509, freed_by<X509_free>>;
using crl_owner = std::unique_ptr<X509_CRL, freed_by<X509_CRL_free>>;
using time_owner = std::unique_ptr<ASN1_TIME, freed_by<ASN1_TIME_free>>;
using file_owner = std::unique_ptr<std::FILE, freed_by<std::fclose>>;

key_owner make_key() { return key_owner{EVP_EC_gen("P-256")}; }

long seconds(std::chrono::hours time) { return std::chrono::seconds{time}.count(); }

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX about{};
  X509V3_set_ctx(&about, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &about, kind, value.c_str());
  if (made == nullptr) throw std::runtime_error{"extension " + value};
  X509_add_ext(to, made, -1);
  X509_EXTENSION_free(made);
}

x509_owner make_x509(const std::string& name, long serial, std::chrono::hours from, std::chrono::hours to) {
  x509_owner made{X509_new()};
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), seconds(from));
  X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds(to));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return made;
}

file_owner open(const std::string& path) {
  file_owner file{std::fopen(path.c_str(), "w")};
  if (!file) throw std::runtime_error{path};
  return file;
}

bool is_address(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

}  // namespace

struct authority::state {
  temporary_path folder;
  key_owner key = make_key();
  x509_owner own;
  long serial = 1;
};

authority::authority() : state_{std::make_unique<state>()} {
  std::filesystem::create_directory(folder());
  state_->own = make_x509("Authority of " + std::filesystem::path{folder()}.parent_path().filename().string(), 1,
                          std::chrono::hours{-24 * 3650}, std::chrono::hours{48});
  X509* const own = state_->own.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  X509_set_pubkey(own, state_->key.get());
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(own, state_->key.get(), EVP_sha256());
  PEM_write_X509(open(file()).get(), own);
}

authority::~authority() { std::filesystem::remove_all(folder()); }

std::string authority::folder() const { return state_->folder.text(); }

std::string authority::path(const std::string& name) const { return folder() + '/' + name; }

tls::key_pair authority::sign(const certificate_request& wanted) { return make(wanted, false); }
tls::key_pair authority::sign_by_itself(const certificate_request& wanted) { return make(wanted, true); }

tls::key_pair authority::make(const certificate_request& wanted, bool by_itself) {
  const long serial = ++state_->serial;
  const key_owner key = make_key();
  const x509_owner made = make_x509(wanted.name, serial, wanted.from, wanted.to);
  X509* const issuer = by_itself ? made.get() : state_->own.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  X509_set_pubkey(made.get(), key.get());
  add_extension(made.get(), issuer, NID_subject_alt_name, (is_address(wanted.name) ? "IP:" : "DNS:") + wanted.name);
  X509_sign(made.get(), by_itself ? key.get() : state_->key.get(), EVP_sha256());

  tls::key_pair files{.certificate = path(std::to_string(serial) + ".pem"),
                      .key = path(std::to_string(serial) + ".key"),
                      .password = {}};
  PEM_write_X509(open(files.certificate).get(), made.get());
  PEM_write_PrivateKey(open(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return files;
}

std::string authority::revoke(const std::vector<tls::key_pair>& revoked) {
  const crl_owner list{X509_CRL_new()};
  const auto time_at = [](std::chrono::hours time) { return time_owner{X509_gmtime_adj(nullptr, seconds(time))}; };
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(state_->own.get()));
  X509_CRL_set1_lastUpdate(list.get(), time_at(std::chrono::hours{-1}).get());
  X509_CRL_set1_nextUpdate(list.get(), time_at(std::chrono::hours{24}).get());
  for (const tls::key_pair& each : revoked) {
    const file_owner from{std::fopen(each.certificate.c_str(), "r")};
    const x509_owner certificate{PEM_read_X509(from.get(), nullptr, nullptr, nullptr)};
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
    X509_REVOKED_set_revocationDate(entry, time_at(std::chrono::hours{-1}).get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sign(list.get(), state_->key.get(), EVP_sha256());

  const file_owner into = open(path("revoked.pem"));
  PEM_write_X509(into.get(), state_->own.get());
  PEM_write_X509_CRL(into.get(), list.get());
  return path("revoked.pem");
}

}  // namespace copas::testing
