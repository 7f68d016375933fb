#include <fcntl.h>

#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class TlsResumption : public tls_test {
 public:
  /// Was the session of an earlier connection taken up, as both ends see it? A line is received first, for tickets of
  /// TLS 1.3 come behind the handshake.
  bool resumes(const tls::context_ptr& client, const tls::context_ptr& server, const std::string& name = "localhost") {
    const auto ends = shake_hands(client, server, name);
    EXPECT_TRUE(ends.good()) << ends.client_error() << '/' << ends.server_error();
    if (!ends.good()) return false;
    tls_stream& connected = const_cast<tls_stream&>(**ends.client);
    tls_stream& served = const_cast<tls_stream&>(**ends.server);
    EXPECT_TRUE(send(served, "x\n"));
    EXPECT_EQ(line_from(connected), "x");
    EXPECT_EQ(connected.session().resumed(), served.session().resumed());
    return connected.session().resumed();
  }

  static tls::context_ptr server_of(const std::string& protocol, const std::string& option = "no_compression") {
    auto wanted = server_parameters();
    wanted.protocol = protocol;
    wanted.options.push_back(option);
    return tls::make_context(wanted);
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsResumption, every_world, name_of_world);

TEST_P(TlsResumption, WorksByTickets) {
  for (const char* protocol : {"tlsv1_3", "tlsv1_2"}) {
    const auto client = client_context();
    const auto server = server_of(protocol);

    EXPECT_FALSE(resumes(client, server));
    EXPECT_TRUE(resumes(client, server)) << protocol;
    EXPECT_TRUE(resumes(client, server)) << protocol;
  }
}

TEST_P(TlsResumption, WorksByTheServersCache) {
  for (const char* protocol : {"tlsv1_3", "tlsv1_2"}) {
    const auto client = client_context();
    const auto server = server_of(protocol, "no_ticket");

    EXPECT_FALSE(resumes(client, server));
    EXPECT_TRUE(resumes(client, server)) << protocol;
  }
}

TEST_P(TlsResumption, NeedsTheSameContexts) {
  const auto client = client_context();
  const auto server = server_context();
  EXPECT_FALSE(resumes(client, server));

  EXPECT_FALSE(resumes(client_context(), server));
  EXPECT_FALSE(resumes(client, server_context()));
}

TEST_P(TlsResumption, NeedsTheSameName) {
  auto wanted = client_parameters();
  wanted.verify_host = false;
  const auto client = tls::make_context(wanted);
  const auto server = server_context();
  EXPECT_FALSE(resumes(client, server, "one.test"));

  EXPECT_FALSE(resumes(client, server, "two.test"));
  EXPECT_TRUE(resumes(client, server, "one.test"));
}

TEST_P(TlsResumption, DoesNotLeadFromANameThatVerifiesLessToOneThatVerifiesMore) {
  for (const char* protocol : {"tlsv1_3", "tlsv1_2"}) {
    auto demanding = server_parameters();
    demanding.protocol = protocol;
    demanding.verify = {"peer", "fail_if_no_peer_cert"};
    demanding.ca_file = ca().file();
    auto open = server_parameters();
    open.protocol = protocol;
    open.names = {{"secret.test", tls::make_context(demanding)}};
    const auto server = tls::make_context(open);
    // A client that takes the session of one name to the other, as ours does not: OpenSSL by itself.
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
    SSL_SESSION* kept = nullptr;
    std::vector<std::string> outcomes;

    for (const char* name : {"open.test", "secret.test"}) {
      connected_pair pair = make_connection();
      std::optional<result<tls_stream>> done;
      events.spawn(secure_into(server, tcp_stream{events, std::move(pair.ours)}, done));
      SSL* const ssl = SSL_new(context.get());
      SSL_set_fd(ssl, pair.theirs.fd());
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name));
      SSL_set_connect_state(ssl);
      if (kept != nullptr) SSL_set_session(ssl, kept);
      ::fcntl(pair.theirs.fd(), F_SETFL, O_NONBLOCK);
      poll_until([&] {
        char byte = 0;
        SSL_read(ssl, &byte, 1);  // shakes hands, and takes tickets
        return done.has_value();
      });
      outcomes.push_back(*done ? "served" : done->error().message());
      for (int each = 0; each < 20 && kept == nullptr; ++each) {
        char byte = 0;
        SSL_read(ssl, &byte, 1);
        events.turn(deadline::min());
      }
      if (kept == nullptr) kept = SSL_get1_session(ssl);
      SSL_free(ssl);
    }
    SSL_SESSION_free(kept);

    EXPECT_THAT(outcomes, ::testing::ElementsAre("served", "peer did not return a certificate"));
  }
}

}  // namespace
}  // namespace copas
