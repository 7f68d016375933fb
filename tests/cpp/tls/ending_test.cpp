#include "support/streams.hpp"
#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class TlsEnding : public tls_test {
 public:
  /// Fills the buffers between both ends, and lets the sender give up.
  transfer stuff(tls_stream& to) {
    transfer sent;
    auto sends = [&]() -> task<> {
      const std::string much = noise(scaled(8'000'000, 600'000));
      sent = co_await to.send(much, events.io().now() + 5ms);
    };
    run(events, sends());
    EXPECT_EQ(sent.error, errc::timed_out);
    return sent;
  }

  // Another line has come by then, so that the answer is held back.
  static task<> answer_the_first_line(half& ends) {
    ends.theirs.send("one\ntwo\n");
    std::string text;
    EXPECT_TRUE(co_await ends.ours->receive_line(text));
    EXPECT_TRUE(co_await ends.ours->send("answer"));
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsEnding, every_world, name_of_world);

TEST_P(TlsEnding, IsToldToThePeerByWhoCloses) {
  half ends = connect_peer(server_context(), {});

  ends.ours->close();
  poll_until([&] { return !ends.theirs.receive(); });

  EXPECT_TRUE(ends.theirs.ended_in_order);
}

TEST_P(TlsEnding, IsToldToThePeerByWhoIsDestroyed) {
  half ends = connect_peer(client_context(), {});
  ends.theirs.send("x\n");
  EXPECT_EQ(line_from(*ends.ours), "x");

  ends.ours.reset();
  poll_until([&] { return !ends.theirs.receive(); });

  EXPECT_TRUE(ends.theirs.ended_in_order);
}

TEST_P(TlsEnding, DoesNotCostTheServerWhatAClientSentThatNeverReadItsTickets) {
  half ends = connect_peer(client_context(), {.newest = TLS1_3_VERSION});

  EXPECT_TRUE(send(*ends.ours, "only to send"));
  ends.ours.reset();
  poll_until([&] { return !ends.theirs.receive(); });

  EXPECT_EQ(ends.theirs.received, "only to send");
}

TEST_P(TlsEnding, IsClosedIfThePeerTellsIt) {
  half ends = connect_peer(server_context(), {});

  ends.theirs.send("part");
  ends.theirs.shut_down();

  EXPECT_EQ(line_from(*ends.ours), "part!closed");
  EXPECT_EQ(line_from(*ends.ours), "!closed");
}

TEST_P(TlsEnding, IsAnErrorIfThePeerDoesNotTellIt) {
  half ends = connect_peer(server_context(), {});

  ends.theirs.send("part");
  ends.theirs.wire().shutdown();

  EXPECT_EQ(line_from(*ends.ours), "part!unexpected eof while reading");
  EXPECT_EQ(line_from(*ends.ours), "!closed");
  EXPECT_EQ(send(*ends.ours, "x").error, errc::closed);
}

TEST_P(TlsEnding, IsAnErrorForWhoReceivesAll) {
  half ends = connect_peer(server_context(), {});
  ends.theirs.send("not all of it");
  ends.theirs.wire().shutdown();
  std::string text;
  std::error_code why;
  auto receives = [&]() -> task<> { why = (co_await ends.ours->receive_all(text)).error; };
  run(events, receives());

  EXPECT_EQ(why.message(), "unexpected eof while reading");
  EXPECT_EQ(text, "not all of it");
}

TEST_P(TlsEnding, MayBeOfOneSideOnly) {
  half ends = connect_peer(server_context(), {});

  EXPECT_TRUE(send(*ends.ours, "last words"));
  ends.ours->shutdown_send();
  poll_until([&] { return !ends.theirs.receive(); });
  EXPECT_TRUE(ends.theirs.ended_in_order);
  EXPECT_EQ(ends.theirs.received, "last words");

  ends.theirs.send("still listening?\n");
  EXPECT_EQ(line_from(*ends.ours), "still listening?");
  EXPECT_EQ(send(*ends.ours, "no").error, std::errc::broken_pipe);
}

TEST_P(TlsEnding, ComesBehindWhatWasGathered) {
  half ends = connect_peer(server_context(), {});
  auto answers = [&]() -> task<> {
    co_await answer_the_first_line(ends);
    ends.ours->close();
  };

  run(events, answers());
  poll_until([&] { return !ends.theirs.receive(); });

  EXPECT_EQ(ends.theirs.received, "answer");
  EXPECT_TRUE(ends.theirs.ended_in_order);
}

TEST_P(TlsEnding, OfOneSideComesBehindWhatWasGathered) {
  half ends = connect_peer(server_context(), {});
  auto answers = [&]() -> task<> {
    co_await answer_the_first_line(ends);
    ends.ours->shutdown_send();
    EXPECT_EQ((co_await ends.ours->send("late")).error, std::errc::broken_pipe);
  };

  run(events, answers());
  poll_until([&] { return !ends.theirs.receive(); });

  EXPECT_EQ(ends.theirs.received, "answer");
  EXPECT_TRUE(ends.theirs.ended_in_order);
}

TEST_P(TlsEnding, OfThePeersSideLetsUsSend) {
  half ends = connect_peer(server_context(), {.newest = TLS1_3_VERSION});
  ends.theirs.shut_down();
  EXPECT_EQ(line_from(*ends.ours), "!closed");

  EXPECT_TRUE(send(*ends.ours, "an answer"));
  poll_until([&] { return !ends.theirs.receive() || ends.theirs.received == "an answer"; });

  EXPECT_EQ(ends.theirs.received, "an answer");
}

TEST_P(TlsEnding, DoesNotWaitForAPeerThatReadsNothing) {
  auto ends = shake_hands(client_context(), server_context());
  ASSERT_TRUE(ends.good());
  ASSERT_TRUE(stuff(**ends.client).error);

  (*ends.client)->close();  // returns

  EXPECT_EQ((*ends.client)->fd(), -1);
}

TEST_P(TlsEnding, IsToldBehindWhatWasSentOnceThePeerReads) {
  auto ends = shake_hands(client_context(), server_context());
  ASSERT_TRUE(ends.good());
  const transfer sent = stuff(**ends.client);
  (*ends.client)->close();
  std::string text;
  std::error_code why;
  auto receives = [&]() -> task<> { why = (co_await (*ends.server)->receive_all(text)).error; };

  run(events, receives());

  EXPECT_FALSE(why);  // in good order
  EXPECT_EQ(text.size(), sent.bytes);
}

TEST_P(TlsEnding, OfOneSideIsToldOnceThePeerReads) {
  auto ends = shake_hands(client_context(), server_context());
  ASSERT_TRUE(ends.good());
  const transfer sent = stuff(**ends.client);
  (*ends.client)->shutdown_send();  // returns
  std::string text;
  std::error_code why;
  auto receives = [&]() -> task<> { why = (co_await (*ends.server)->receive_all(text)).error; };

  run(events, receives());
  EXPECT_FALSE(why);
  EXPECT_EQ(text.size(), sent.bytes);
  EXPECT_TRUE(send(**ends.server, "received\n"));
  EXPECT_EQ(line_from(**ends.client), "received");
}

TEST_P(TlsEnding, DoesNotKeepTheLoopForAPeerThatNeverReads) {
  auto ends = shake_hands(client_context(), server_context());
  ASSERT_TRUE(ends.good());
  ASSERT_TRUE(stuff(**ends.client).error);
  (*ends.client)->close();
  const auto start = events.io().now();

  events.run();

  EXPECT_LE(events.io().now() - start, 6s);
}

TEST_P(TlsEnding, ByAResetIsWhatTheSystemReports) {
  half ends = connect_peer(server_context(), {});
  ends.theirs.wire().reset();

  EXPECT_EQ(line_from(*ends.ours), "!" + system_error(ECONNRESET).message());
  EXPECT_EQ(line_from(*ends.ours), "!closed");
}

}  // namespace
}  // namespace copas
