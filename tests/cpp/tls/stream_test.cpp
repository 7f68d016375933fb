#include "copas/core/sleep.hpp"
#include "support/streams.hpp"
#include "tls_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::ElementsAre;

// To those who receive and send, an encrypted stream is one like any other.
class TlsStream : public tls_test {
 public:
  TlsStream() : ends{shake_hands(client_context(), server_context())} {}

  outcome ends;
  tls_stream& client = **ends.client;
  tls_stream& server = **ends.server;
  std::string text;
};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsStream, every_world, name_of_world);

TEST_P(TlsStream, GivesLinesNumbersOfBytesAndTheRest) {
  auto body = [&]() -> task<> {
    EXPECT_EQ((co_await client.receive_line(text)).bytes, 3U);
    EXPECT_EQ(text, "one");
    EXPECT_TRUE(co_await client.receive_exactly(text, 4));
    EXPECT_EQ(text, "two\r");
    EXPECT_TRUE(co_await client.receive_all(text));
    EXPECT_EQ(text, "\nthree");
    EXPECT_EQ((co_await client.receive_all(text)).error, errc::closed);
    EXPECT_EQ(text, "");
  };
  EXPECT_TRUE(send(server, "one\r\ntwo\r\nthree"));
  server.close();

  run(events, body());
}

TEST_P(TlsStream, SendsTheAnswersToLinesThatCameTogetherInOneRecord) {
  const auto answer_all = [&]() -> task<> {
    for (int count = 0; count < 3; ++count) {
      EXPECT_TRUE(co_await server.receive_line(text));
      EXPECT_TRUE(co_await server.send(text + "!"));
    }
  };
  std::array<std::byte, 100> bytes{};
  transfer got;
  const auto take = [&]() -> task<> { got = co_await client.receive(bytes); };
  EXPECT_TRUE(send(client, "1\n2\n3\n"));

  run(events, answer_all());
  run(events, take());

  EXPECT_EQ((std::string_view{reinterpret_cast<const char*>(bytes.data()), got.bytes}), "1!2!3!");
}

TEST_P(TlsStream, GivesWhatHasCome) {
  auto body = [&]() -> task<> {
    std::array<std::byte, 100> bytes{};
    const transfer got = co_await client.receive(bytes);
    EXPECT_GE(got.bytes, 1U);
    EXPECT_EQ(static_cast<char>(bytes[0]), 'a');
  };
  EXPECT_TRUE(send(server, "abc"));

  run(events, body());
}

TEST_P(TlsStream, GivesAPartAtTheDeadline) {
  auto body = [&]() -> task<> {
    const transfer got = co_await client.receive_line(text, events.io().now() + 20ms);
    EXPECT_EQ(got.error, errc::timed_out);
    EXPECT_EQ(got.bytes, 4U);
    EXPECT_TRUE(co_await server.send("er\n"));
    EXPECT_TRUE(co_await client.receive_line(text));
    EXPECT_EQ(text, "er");
  };
  EXPECT_TRUE(send(server, "part"));

  run(events, body());
}

TEST_P(TlsStream, CarriesMuchBothWaysAtOnce) {
  const std::string bytes = noise(scaled(20'000'000, 100'000));
  std::string received;
  std::string echoed;
  auto sends = [&](tls_stream& to) -> task<> { EXPECT_TRUE(co_await to.send(bytes)); };
  auto receives = [&](tls_stream& from, std::string& into) -> task<> {
    EXPECT_TRUE(co_await from.receive_exactly(into, bytes.size()));
  };
  scope all{events};
  all.spawn(sends(client));
  all.spawn(sends(server));
  all.spawn(receives(client, echoed));
  run(events, receives(server, received));
  turn_until(events, [&] { return echoed.size() == bytes.size(); });

  EXPECT_TRUE(received == bytes);
  EXPECT_TRUE(echoed == bytes);
}

TEST_P(TlsStream, GivesEachLineOfOneRecordToTheOneWhoseTurnItIs) {
  std::vector<std::string> lines;
  auto receives = [&]() -> task<> {
    std::string mine;
    EXPECT_TRUE(co_await client.receive_line(mine));
    lines.push_back(mine);
  };
  scope all{events};
  for (int each = 0; each < 3; ++each) all.spawn(receives());
  settle(events);
  EXPECT_TRUE(send(server, "1\n2\n3\n"));

  turn_until(events, [&] { return lines.size() == 3; });

  EXPECT_THAT(lines, ElementsAre("1", "2", "3"));
}

TEST_P(TlsStream, GoesOnAfterASendThatTimedOut) {
  const std::string much = noise(scaled(8'000'000, 600'000));
  transfer first;
  auto sends = [&]() -> task<> { first = co_await client.send(much, events.io().now() + 5ms); };
  run(events, sends());  // nobody receives
  ASSERT_EQ(first.error, errc::timed_out);
  ASSERT_LT(first.bytes, much.size());

  auto rest = [&]() -> task<> { EXPECT_TRUE(co_await client.send("the end\n")); };
  scope all{events};
  all.spawn(rest());
  auto receives = [&]() -> task<> { EXPECT_TRUE(co_await server.receive_exactly(text, first.bytes + 8)); };
  run(events, receives());

  EXPECT_TRUE(text == much.substr(0, first.bytes) + "the end\n");
}

TEST_P(TlsStream, GivesBackWhatACancelledReceiveTook) {
  scope reader{events};
  auto receives = [&]() -> task<> {
    std::string all;
    static_cast<void>(co_await client.receive_exactly(all, 100));
  };
  reader.spawn(receives());
  EXPECT_TRUE(send(server, "ab"));
  settle(events);

  reader.cancel();
  EXPECT_TRUE(send(server, "c\n"));

  EXPECT_EQ(line_from(client), "abc");
}

TEST_P(TlsStream, CountsWhatUsersSendAndReceive) {
  EXPECT_TRUE(send(server, "12345\n"));
  EXPECT_EQ(line_from(client), "12345");

  EXPECT_EQ(server.stats().sent, 6U);
  EXPECT_EQ(client.stats().received, 6U);
}

TEST_P(TlsStream, EndsWhoWaitsWhenItIsClosed) {
  std::error_code why;
  auto receives = [&]() -> task<> { why = (co_await client.receive_line(text)).error; };
  events.spawn(receives());
  settle(events);

  client.close();
  turn_until(events, [&] { return static_cast<bool>(why); });

  EXPECT_EQ(why, errc::closed);
}

TEST_P(TlsStream, LetsOthersRunWhileMuchArrives) {
  std::size_t turns = 0;
  bool done = false;
  auto counts = [&]() -> task<> {
    while (!done) {
      ++turns;
      co_await yield(events);
    }
  };
  auto sends = [&]() -> task<> { EXPECT_TRUE(co_await server.send(noise(scaled(10'000'000, 50'000)))); };
  auto receives = [&]() -> task<> {
    EXPECT_TRUE(co_await client.receive_exactly(text, scaled(10'000'000, 50'000)));
    done = true;
  };
  scope all{events};
  all.spawn(counts());
  all.spawn(sends());
  run(events, receives());

  EXPECT_GT(turns, scaled(10, 1));
}

}  // namespace
}  // namespace copas
