#include "support/streams.hpp"
#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;

// What a peer does with records that ours would not do.
class TlsRecords : public tls_test {};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsRecords, every_world, name_of_world);

TEST_P(TlsRecords, MayAskForNewKeysAtAnyTime) {
  for (const auto& by : {client_context(), server_context()}) {
    half ends = connect_peer(by, {.newest = TLS1_3_VERSION});

    for (int each = 0; each < 3; ++each) {
      ends.theirs.ask_for_new_keys();
      ends.theirs.send("under new keys\n");
      EXPECT_EQ(line_from(*ends.ours), "under new keys");
      ends.theirs.received.clear();
      EXPECT_TRUE(send(*ends.ours, "mine too"));
      poll_until([&] { return !ends.theirs.receive() || ends.theirs.received == "mine too"; });
      EXPECT_EQ(ends.theirs.received, "mine too");
    }
  }
}

TEST_P(TlsRecords, MayAskForNewKeysInTheMiddleOfALargeSend) {
  const std::string much = noise(scaled(4'000'000, 3'000));
  half ends = connect_peer(server_context(), {.newest = TLS1_3_VERSION}, make_narrow_connection());
  std::string line;
  bool sent = false;
  auto sends = [&]() -> task<> {
    EXPECT_TRUE(co_await ends.ours->send(much));
    sent = true;
  };
  auto receives = [&]() -> task<> { EXPECT_TRUE(co_await ends.ours->receive_line(line)); };
  events.spawn(sends());
  events.spawn(receives());
  settle(events);
  EXPECT_FALSE(sent);

  ends.theirs.ask_for_new_keys();
  ends.theirs.send("new ones\n");
  poll_until([&] { return !line.empty(); });
  poll_until([&] { return !ends.theirs.receive() || (sent && ends.theirs.received.size() == much.size()); });

  EXPECT_EQ(line, "new ones");
  EXPECT_TRUE(ends.theirs.received == much);
}

TEST_P(TlsRecords, CannotBeginAnotherHandshake) {
  for (const auto& by : {client_context(), server_context()}) {
    half ends = connect_peer(by, {.newest = TLS1_2_VERSION});
    std::string line;
    auto receives = [&]() -> task<> { static_cast<void>(co_await ends.ours->receive_line(line)); };
    events.spawn(receives());
    settle(events);

    ASSERT_TRUE(ends.theirs.ask_for_renegotiation());
    poll_until([&] {
      ends.theirs.receive();
      return ends.theirs.last_alert() >= 0;
    });

    EXPECT_EQ(ends.theirs.last_alert(), SSL_AD_NO_RENEGOTIATION);
    ends.ours->close();
    settle(events);  // so that the task ends before what it uses
  }
}

TEST_P(TlsRecords, ThatAreNoneEndTheConnectionForGood) {
  half ends = connect_peer(server_context(), {});
  ends.theirs.wire().send("this is no record, and far from being one");

  EXPECT_EQ(line_from(*ends.ours), "!wrong version number");
  EXPECT_EQ(line_from(*ends.ours), "!closed");
  EXPECT_EQ(send(*ends.ours, "x").error, errc::closed);
  poll_until([&] {
    ends.theirs.receive();
    return ends.theirs.last_alert() >= 0;
  });
}

TEST_P(TlsRecords, MayBeAsSmallAsAByte) {
  half ends = connect_peer(server_context(), {});
  for (const char each : std::string_view{"in small pieces\n"}) ends.theirs.send({&each, 1});

  EXPECT_EQ(line_from(*ends.ours), "in small pieces");
}

TEST_P(TlsRecords, AreGivenOutWholeWhateverIsAskedFor) {
  half ends = connect_peer(server_context(), {});
  const std::string bytes = noise(12'000);
  ends.theirs.send(bytes);
  std::string got;
  auto receives = [&]() -> task<> {
    while (got.size() < bytes.size()) {
      std::string part;
      EXPECT_TRUE(co_await ends.ours->receive_exactly(part, 7 + got.size() % 5));
      got += part;
      if (bytes.size() - got.size() < 12) break;
    }
  };
  run(events, receives());

  EXPECT_TRUE(bytes.starts_with(got));
}

}  // namespace
}  // namespace copas
