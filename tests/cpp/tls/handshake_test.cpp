#include <sys/resource.h>

#include <tuple>
#include <vector>

#include "copas/net/tcp.hpp"
#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class TlsHandshake : public tls_test {};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsHandshake, every_world, name_of_world);

TEST_P(TlsHandshake, SecuresBothEnds) {
  auto ends = shake_hands(client_context(), server_context());

  ASSERT_TRUE(ends.good()) << ends.client_error() << ends.server_error();
  tls_stream& client = **ends.client;
  tls_stream& server = **ends.server;
  EXPECT_TRUE(send(client, "to the server\n"));
  EXPECT_TRUE(send(server, "to the client\n"));
  EXPECT_EQ(line_from(server), "to the server");
  EXPECT_EQ(line_from(client), "to the client");
  EXPECT_EQ(client.session().info().protocol, "TLSv1.3");
}

TEST_P(TlsHandshake, ServesClientsOfEachVersion) {
  for (const auto& [version, name] : {std::tuple{TLS1_2_VERSION, "TLSv1.2"}, {TLS1_3_VERSION, "TLSv1.3"}}) {
    half ends = connect_peer(server_context(), {.trusted = ca().file(), .newest = version});

    EXPECT_EQ(ends.ours->session().info().protocol, name);
    ends.theirs.send("hello\n");
    EXPECT_EQ(line_from(*ends.ours), "hello");
  }
}

TEST_P(TlsHandshake, ConnectsToServersOfEachVersion) {
  for (const auto& [version, name] : {std::tuple{TLS1_2_VERSION, "TLSv1.2"}, {TLS1_3_VERSION, "TLSv1.3"}}) {
    half ends = connect_peer(client_context(), {.newest = version});

    EXPECT_EQ(ends.ours->session().info().protocol, name);
    EXPECT_TRUE(send(*ends.ours, "hello"));
    poll_until([&] { return ends.theirs.receive() && ends.theirs.received == "hello"; });
  }
}

TEST_P(TlsHandshake, ConnectsByName) {
  auto listener = tcp_listener::bind(events, "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  auto serve = [&]() -> task<> {
    auto plain = co_await listener->accept();
    auto served = co_await tls::secure(events, server_context(), std::move(*plain));
    EXPECT_TRUE(served);
    EXPECT_TRUE(co_await served->send("welcome\n"));
  };
  auto connect = [&]() -> task<> {
    auto connection = co_await tls::connect(events, client_context(), "localhost", listener->local()->port());
    EXPECT_EQ(error_of(connection), none);
    if (!connection) co_return;
    std::string line;
    EXPECT_TRUE(co_await connection->receive_line(line));
    EXPECT_EQ(line, "welcome");
  };
  events.spawn(serve());

  run(events, connect());
}

TEST_P(TlsHandshake, GivesUpAtItsDeadlineWhenThePeerStallsInTheMiddle) {
  for (const auto& by : {client_context(), server_context()}) {
    connected_pair pair = make_connection();
    std::optional<result<tls_stream>> done;
    pair.theirs.send("\x16\x03\x01");  // the beginning of a message
    run(events, secure_into(by, tcp_stream{events, std::move(pair.ours)}, done, events.io().now() + 20ms));

    EXPECT_EQ(error_of(*done), errc::timed_out);
    pair.theirs.receive_all();  // it is closed
  }
}

TEST_P(TlsHandshake, CanBeCancelledInTheMiddle) {
  connected_pair pair = make_connection();
  std::optional<result<tls_stream>> done;
  scope owner{events};
  owner.spawn(secure_into(client_context(), tcp_stream{events, std::move(pair.ours)}, done));
  settle(events);

  owner.cancel();

  EXPECT_FALSE(done);
  EXPECT_THAT(pair.theirs.receive_all(), ::testing::StartsWith("\x16\x03\x01"));  // its hello, and the end
}

TEST_P(TlsHandshake, SaysThatThePeerSpeaksPlainHttp) {
  connected_pair pair = make_connection();
  std::optional<result<tls_stream>> done;
  pair.theirs.send("GET / HTTP/1.0\r\n\r\n");
  run(events, secure_into(server_context(), tcp_stream{events, std::move(pair.ours)}, done));

  EXPECT_EQ(done->error().message(), "http request");
  EXPECT_EQ(&done->error().category(), &tls::category());
}

TEST_P(TlsHandshake, SaysThatThePeerLeft) {
  connected_pair pair = make_connection();
  std::optional<result<tls_stream>> done;
  pair.theirs.send("\x16\x03\x01");
  pair.theirs.shutdown();
  run(events, secure_into(server_context(), tcp_stream{events, std::move(pair.ours)}, done));

  EXPECT_EQ(done->error().message(), "unexpected eof while reading");
}

TEST_P(TlsHandshake, TellsThePeerWhyItFailed) {
  auto wanted = client_parameters();
  const authority other;
  wanted.ca_file = other.file();
  const auto ends = shake_hands(tls::make_context(wanted), server_context());

  EXPECT_EQ(ends.client_error(), "certificate verify failed");
  EXPECT_EQ(ends.server_error(), "tlsv1 alert unknown ca");
}

TEST_P(TlsHandshake, FailsWithoutAVersionInCommon) {
  auto old = client_parameters();
  old.protocol = "tlsv1_2";
  auto fresh = server_parameters();
  fresh.protocol = "tlsv1_3";

  const auto ends = shake_hands(tls::make_context(old), tls::make_context(fresh));

  EXPECT_EQ(ends.client_error(), "tlsv1 alert protocol version");
  EXPECT_EQ(ends.server_error(), "unsupported protocol");
}

TEST_P(TlsHandshake, LetsNothingThroughBeforeItIsFinished) {
  auto [left, right] = plain_pair();
  const auto by = client_context();
  const ref<tls::stream> secured = tls::stream::over(left.shared(), *by);
  tls_stream early{events, secured};

  EXPECT_EQ(send(early, "secret").error, errc::closed);
  EXPECT_EQ(line_from(early), "!closed");
}

TEST_P(TlsHandshake, MayBeManyAtOnce) {
  const std::size_t count = GetParam() == world::plain ? 2000 : 50;  // byte by byte they take long
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_max < 2 * count + 100) GTEST_SKIP() << "too few descriptors";
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  const auto client = client_context();
  const auto server = server_context();
  std::vector<std::optional<result<tls_stream>>> clients(count);
  std::vector<std::optional<result<tls_stream>>> servers(count);

  for (std::size_t each = 0; each < count; ++each) {
    auto [left, right] = plain_pair();
    events.spawn(secure_into(client, std::move(left), clients[each]));
    events.spawn(secure_into(server, std::move(right), servers[each]));
  }
  events.run();

  const auto good = [](const auto& end) { return end && *end; };
  EXPECT_TRUE(std::ranges::all_of(clients, good));
  EXPECT_TRUE(std::ranges::all_of(servers, good));
}

TEST_P(TlsHandshake, TakesUpBytesThatWereReceivedWithPlainOnes) {
  connected_pair pair = make_connection();
  tls_peer theirs{peer{unique_fd{::dup(pair.theirs.fd())}}, {.trusted = ca().file()}};
  tcp_stream plain{events, std::move(pair.ours)};
  pair.theirs.send("STARTTLS\n");
  theirs.shake_hands();  // sends its hello
  std::string line;
  auto receive = [&]() -> task<> { EXPECT_TRUE(co_await plain.receive_line(line)); };
  run(events, receive());

  std::optional<result<tls_stream>> done;
  events.spawn(secure_into(server_context(), std::move(plain), done));
  poll_until([&] { return theirs.shake_hands() && done; });

  EXPECT_EQ(line, "STARTTLS");
  theirs.send("in secret\n");
  EXPECT_EQ(line_from(**done), "in secret");
}

}  // namespace
}  // namespace copas
