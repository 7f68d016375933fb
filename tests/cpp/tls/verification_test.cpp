#include <stdlib.h>

#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TlsVerification : public tls_test {
 public:
  /// Why a client with these parameters refuses a server with this key; empty if it does not.
  std::string refusal_of(const tls::key_pair& key, const tls::parameters& client = client_parameters(),
                         const std::optional<std::string>& name = "localhost") {
    return shake_hands(tls::make_context(client), tls::make_context(server_parameters(key)), name).client_error();
  }

  static constexpr const char* refused = "certificate verify failed";
};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsVerification, every_world, name_of_world);

TEST_P(TlsVerification, IsDoneByDefaultAgainstTheTrustOfTheSystem) {
  EXPECT_EQ(refusal_of(localhost(), {}), refused);

  ::setenv("SSL_CERT_FILE", ca().file().c_str(), 1);
  EXPECT_EQ(refusal_of(localhost(), {}), "");
  EXPECT_EQ(refusal_of(localhost(), {}, "other.test"), refused);
  ::unsetenv("SSL_CERT_FILE");
}

TEST_P(TlsVerification, TrustsWhoIsNamedAndNobodyElse) {
  const authority other;
  auto client = client_parameters();
  client.ca_file = other.file();
  ::setenv("SSL_CERT_FILE", ca().file().c_str(), 1);

  EXPECT_EQ(refusal_of(localhost(), client), refused);
  client.default_trust = true;
  EXPECT_EQ(refusal_of(localhost(), client), "");
  ::unsetenv("SSL_CERT_FILE");
}

TEST_P(TlsVerification, RefusesACertificateForAnotherName) {
  EXPECT_EQ(refusal_of(ca().sign({.name = "other.test"})), refused);
  EXPECT_EQ(refusal_of(localhost(), client_parameters(), "LOCALHOST"), "");
}

TEST_P(TlsVerification, KnowsAddresses) {
  const auto key = ca().sign({.name = "127.0.0.1"});

  EXPECT_EQ(refusal_of(key, client_parameters(), "127.0.0.1"), "");
  EXPECT_EQ(refusal_of(key, client_parameters(), "127.0.0.2"), refused);
  EXPECT_EQ(refusal_of(ca().sign({.name = "::1"}), client_parameters(), "::1"), "");
}

TEST_P(TlsVerification, FailsWithoutANameToExpect) {
  EXPECT_EQ(refusal_of(localhost(), client_parameters(), {}), "no name to verify the peer's certificate by");

  auto of_anybody = client_parameters();
  of_anybody.verify_host = false;
  EXPECT_EQ(refusal_of(localhost(), of_anybody, {}), "");
  EXPECT_EQ(refusal_of(localhost(), of_anybody, "other.test"), "");
}

TEST_P(TlsVerification, RefusesWhatHasExpiredOrIsNotValidYet) {
  EXPECT_EQ(refusal_of(ca().sign({.from = -48h, .to = -1h})), refused);
  EXPECT_EQ(refusal_of(ca().sign({.from = 1h, .to = 48h})), refused);
}

TEST_P(TlsVerification, RefusesWhatNobodyElseHasSigned) {
  const auto key = ca().sign_by_itself();

  EXPECT_EQ(refusal_of(key), refused);
  auto knows = client_parameters();
  knows.ca_file = key.certificate;
  EXPECT_EQ(refusal_of(key, knows), "");
}

TEST_P(TlsVerification, RefusesWhatIsRevoked) {
  const auto revoked = ca().sign();
  auto client = client_parameters();
  client.ca_file = ca().revoke({revoked});
  client.verify_extras = {"crl_check"};

  EXPECT_EQ(refusal_of(revoked, client), refused);
  EXPECT_EQ(refusal_of(localhost(), client), "");
}

TEST_P(TlsVerification, AcceptsAnybodyWhereItIsTurnedOff) {
  tls::parameters client;
  client.verify = {"none"};

  EXPECT_EQ(refusal_of(ca().sign_by_itself({.name = "other.test", .from = -48h, .to = -1h}), client), "");
}

TEST_P(TlsVerification, NotesWhatIsWrongAndGoesOnWhereThatIsWanted) {
  tls::parameters client;
  client.verify = {"peer"};
  client.verify_host = client.default_trust = false;
  client.verify_extras = {"lsec_continue"};
  const auto ends = shake_hands(tls::make_context(client), server_context());

  ASSERT_TRUE(ends.good()) << ends.client_error();
  const tls::session& session = (*ends.client)->session();
  EXPECT_NE(session.verification_error(), "");
  EXPECT_THAT(session.verification_errors(), ElementsAre(::testing::Not(IsEmpty())));
}

TEST_P(TlsVerification, ServerDemandsACertificateOfItsClients) {
  auto server = server_parameters();
  server.verify = {"peer", "fail_if_no_peer_cert"};
  server.ca_file = ca().file();
  const auto strict = tls::make_context(server);

  auto known = client_parameters();
  known.keys = {ca().sign({.name = "a client"})};
  const auto ends = shake_hands(tls::make_context(known), strict);
  ASSERT_TRUE(ends.good()) << ends.server_error();
  const auto chain = (*ends.server)->session().peer_chain();
  ASSERT_FALSE(chain.empty());
  EXPECT_EQ(chain[0]->subject()[0].value, "a client");

  EXPECT_EQ(shake_hands(client_context(), strict).server_error(), "peer did not return a certificate");
  known.keys = {ca().sign_by_itself({.name = "a stranger"})};
  EXPECT_EQ(shake_hands(tls::make_context(known), strict).server_error(), refused);
}

TEST_P(TlsVerification, ServerMayDoWithoutACertificate) {
  auto server = server_parameters();
  server.verify = {"peer"};
  server.ca_file = ca().file();

  const auto ends = shake_hands(client_context(), tls::make_context(server));

  ASSERT_TRUE(ends.good());
  EXPECT_THAT((*ends.server)->session().peer_chain(), IsEmpty());
}

TEST_P(TlsVerification, ShowsTheChainLeafFirst) {
  const auto ends = shake_hands(client_context(), server_context());

  ASSERT_TRUE(ends.good());
  const auto chain = (*ends.client)->session().peer_chain();
  ASSERT_EQ(chain.size(), 1U);
  EXPECT_EQ(chain[0]->subject()[0].value, "localhost");
  EXPECT_EQ((*ends.client)->session().verification_error(), "");
}

}  // namespace
}  // namespace copas
