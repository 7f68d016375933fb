#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::ElementsAre;

// What is said in the hello: names of servers (SNI) and protocols (ALPN).
class TlsNames : public tls_test {
 public:
  tls::context_ptr context_for(const std::string& name) {
    return tls::make_context(server_parameters(ca().sign({.name = name})));
  }

  /// The name in the certificate that a client gets who asks for `name`, and that it does not verify.
  std::string certificate_for(const tls::context_ptr& server, const std::optional<std::string>& name) {
    auto client = client_parameters();
    client.verify_host = false;
    const auto ends = shake_hands(tls::make_context(client), server, name);
    if (!ends.good()) return ends.client_error() + '/' + ends.server_error();
    return (*ends.client)->session().peer_chain()[0]->subject()[0].value;
  }

  std::optional<std::string> protocol_of(const std::vector<std::string>& client,
                                         const std::vector<std::string>& server) {
    auto of_client = client_parameters();
    of_client.protocols = client;
    auto of_server = server_parameters();
    of_server.protocols = server;
    const auto ends = shake_hands(tls::make_context(of_client), tls::make_context(of_server));
    EXPECT_TRUE(ends.good());
    EXPECT_EQ((*ends.client)->session().protocol(), (*ends.server)->session().protocol());
    return (*ends.client)->session().protocol();
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsNames, every_world, name_of_world);

TEST_P(TlsNames, ChooseTheCertificate) {
  auto server = server_parameters();
  server.names = {{"one.test", context_for("one.test")}, {"two.test", context_for("two.test")}};
  const auto by = tls::make_context(server);

  EXPECT_EQ(certificate_for(by, "one.test"), "one.test");
  EXPECT_EQ(certificate_for(by, "two.test"), "two.test");
  EXPECT_EQ(certificate_for(by, "three.test"), "localhost");
  EXPECT_EQ(certificate_for(by, {}), "localhost");
}

TEST_P(TlsNames, AreRefusedIfTheyAreNotKnownAndStrict) {
  auto server = server_parameters();
  server.names = {{"one.test", context_for("one.test")}};
  server.strict_names = true;
  const auto by = tls::make_context(server);

  EXPECT_EQ(certificate_for(by, "one.test"), "one.test");
  EXPECT_EQ(certificate_for(by, "three.test"), "tlsv1 unrecognized name/callback failed");
  EXPECT_EQ(certificate_for(by, {}), "localhost");
}

TEST_P(TlsNames, AreToldToTheServer) {
  const auto ends = shake_hands(client_context(), server_context());

  ASSERT_TRUE(ends.good());
  EXPECT_EQ((*ends.server)->session().server_name(), "localhost");
  EXPECT_EQ((*ends.client)->session().server_name(), "localhost");
}

TEST_P(TlsNames, AreNotToldIfTheyAreAddresses) {
  auto client = client_parameters();
  client.verify_host = false;
  const auto ends = shake_hands(tls::make_context(client), server_context(), "127.0.0.1");

  ASSERT_TRUE(ends.good());
  EXPECT_EQ((*ends.server)->session().server_name(), std::nullopt);
}

TEST_P(TlsNames, HaveTheirOwnRulesOfVerification) {
  auto demanding = server_parameters();
  demanding.verify = {"peer", "fail_if_no_peer_cert"};
  demanding.ca_file = ca().file();
  auto server = server_parameters();
  server.names = {{"localhost", tls::make_context(demanding)}};

  const auto ends = shake_hands(client_context(), tls::make_context(server));

  EXPECT_EQ(ends.server_error(), "peer did not return a certificate");
}

TEST_P(TlsNames, HaveTheirOwnVersionsOfTheProtocol) {
  auto old = server_parameters();
  old.protocol = "tlsv1_2";
  auto server = server_parameters();
  server.names = {{"localhost", tls::make_context(old)}};

  const auto ends = shake_hands(client_context(), tls::make_context(server));

  ASSERT_TRUE(ends.good());
  EXPECT_EQ((*ends.client)->session().info().protocol, "TLSv1.2");
}

TEST_P(TlsNames, OfProtocolsAreChosenInTheServersOrder) {
  EXPECT_EQ(protocol_of({"one", "two", "three"}, {"three", "two"}), "three");
  EXPECT_EQ(protocol_of({"one"}, {"two"}), std::nullopt);
  EXPECT_EQ(protocol_of({}, {"two"}), std::nullopt);
  EXPECT_EQ(protocol_of({"one"}, {}), std::nullopt);
}

TEST_P(TlsNames, OfProtocolsBelongToTheNameOfTheServer) {
  auto named = server_parameters();
  named.protocols = {"two"};
  auto server = server_parameters();
  server.protocols = {"one"};
  server.names = {{"localhost", tls::make_context(named)}};
  auto client = client_parameters();
  client.protocols = {"one", "two"};

  const auto ends = shake_hands(tls::make_context(client), tls::make_context(server));

  ASSERT_TRUE(ends.good());
  EXPECT_EQ((*ends.server)->session().protocol(), "two");
}

TEST_P(TlsNames, OfProtocolsMayBeAskedFor) {
  auto [left, right] = plain_pair();
  auto client = client_parameters();
  client.protocols = {"one", "two"};
  std::optional<result<tls_stream>> connected;
  events.spawn(secure_into(tls::make_context(client), std::move(left), connected));
  auto server = server_parameters();
  server.asks_for_protocols = true;
  const auto by = tls::make_context(server);
  const ref<tls::stream> served = tls::stream::over(right.shared(), *by);

  auto serve = [&]() -> task<> {
    {
      tls::handshake_operation shaking{&events, served};
      EXPECT_FALSE(co_await shaking);
      EXPECT_TRUE(shaking.wants_protocols());
    }
    EXPECT_THAT(served->session().offered_protocols(), ElementsAre("one", "two"));
    EXPECT_EQ(served->session().server_name(), "localhost");
    served->session().choose_protocols({"two"});
    tls::handshake_operation shaking{&events, served};
    EXPECT_FALSE(co_await shaking);
    EXPECT_FALSE(shaking.wants_protocols());
  };
  run(events, serve());
  turn_until(events, [&] { return connected.has_value(); });

  EXPECT_EQ((*connected)->session().protocol(), "two");
  served->close();
}

}  // namespace
}  // namespace copas
