#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#include "copas/tls/tls_stream.hpp"
#include "support/authority.hpp"

namespace copas::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsContext : public ::testing::Test {
 public:
  /// What is wrong with the parameters of a server once `change` was made to them; empty if they are fine.
  std::string fault(const std::function<void(parameters&)>& change) {
    parameters wanted;
    wanted.mode = role::server;
    wanted.keys = {key};
    change(wanted);
    try {
      return make_context(wanted) ? "" : "null";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  /// A file with an encrypted key that belongs to no certificate.
  std::string locked_key(const std::string& password) {
    const std::string path = ca.folder() + "/locked.key";
    EVP_PKEY* const made = EVP_EC_gen("P-256");
    std::FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_PrivateKey(file, made, EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>(password.data()),
                         static_cast<int>(password.size()), nullptr, nullptr);
    std::fclose(file);
    EVP_PKEY_free(made);
    return path;
  }

  copas::testing::authority ca;
  key_pair key = ca.sign();
};

TEST_F(TlsContext, IsMadeAtOnce) {
  EXPECT_EQ(fault([](parameters&) {}), "");
  EXPECT_EQ(make_context({})->mode(), role::client);
}

TEST_F(TlsContext, NamesWordsThatItDoesNotKnow) {
  EXPECT_EQ(fault([](parameters& p) { p.protocol = "sslv3"; }), "invalid protocol (sslv3)");
  EXPECT_EQ(fault([](parameters& p) { p.verify = {"peer", "maybe"}; }), "invalid verify option (maybe)");
  EXPECT_EQ(fault([](parameters& p) { p.verify_extras = {"maybe"}; }), "invalid verify option (maybe)");
  EXPECT_EQ(fault([](parameters& p) { p.options = {"no_ticket", "no_fun"}; }), "invalid option (no_fun)");
  EXPECT_EQ(fault([](parameters& p) { p.curve = "round"; }), "elliptic curve 'round' not supported");
  EXPECT_EQ(fault([](parameters& p) { p.curves = "P-256:round"; }), "unknown elliptic curve in \"P-256:round\"");
  EXPECT_THAT(fault([](parameters& p) { p.ciphers = "rot13"; }), StartsWith("error setting cipher list ("));
  EXPECT_THAT(fault([](parameters& p) { p.cipher_suites = "rot13"; }), StartsWith("error setting cipher list ("));
  EXPECT_THAT(fault([](parameters& p) { p.dh_parameters = "none"; }), StartsWith("error loading DH parameters ("));
}

TEST_F(TlsContext, NamesFilesThatItCannotRead) {
  const std::string nowhere = ca.folder() + "/nowhere.pem";

  EXPECT_THAT(fault([&](parameters& p) { p.keys[0].key = nowhere; }),
              AllOf(StartsWith("error loading private key ("), HasSubstr(nowhere)));
  EXPECT_THAT(fault([&](parameters& p) { p.keys[0].certificate = nowhere; }),
              AllOf(StartsWith("error loading certificate ("), HasSubstr(nowhere)));
  EXPECT_THAT(fault([&](parameters& p) { p.ca_file = nowhere; }),
              AllOf(StartsWith("error loading CA locations ("), HasSubstr(nowhere)));
}

TEST_F(TlsContext, NamesFilesThatHoldSomethingElse) {
  const std::string other = ca.folder() + "/other.pem";
  std::ofstream{other} << "not in this form";

  EXPECT_THAT(fault([&](parameters& p) { p.keys[0].key = other; }),
              AllOf(StartsWith("error loading private key ("), HasSubstr(other)));
  EXPECT_THAT(fault([&](parameters& p) { p.keys[0].certificate = other; }),
              AllOf(StartsWith("error loading certificate ("), HasSubstr(other)));
  EXPECT_THAT(fault([&](parameters& p) { p.ca_file = other; }),
              AllOf(StartsWith("error loading CA locations ("), HasSubstr(other)));
}

TEST_F(TlsContext, WantsKeyAndCertificateToBelongTogether) {
  EXPECT_EQ(fault([&](parameters& p) { p.keys[0].key = ca.sign().key; }), "private key does not match public key");
}

TEST_F(TlsContext, OpensKeysByTheirPassword) {
  const std::string locked = locked_key("sesame");
  const auto with = [&](std::optional<std::string> password) {
    return fault([&](parameters& p) { p.keys = {{.certificate = {}, .key = locked, .password = password}}; });
  };

  EXPECT_EQ(with("sesame"), "");
  EXPECT_THAT(with("mellon"), StartsWith("error loading private key ("));
  EXPECT_THAT(with({}), StartsWith("error loading private key ("));
}

TEST_F(TlsContext, KnowsTheOptionsOfOldLibrariesToo) {
  EXPECT_EQ(fault([](parameters& p) { p.options = {"all", "no_sslv2", "single_dh_use", "tls_d5_bug"}; }), "");
  EXPECT_THAT(openssl_engine().option_names(), ::testing::Contains("no_sslv2"));
}

}  // namespace
}  // namespace copas::tls
