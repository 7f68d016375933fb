// What a resolver makes of the answers it gets, of those it does not get, and how long it keeps them.

#include <gmock/gmock.h>
#include <netdb.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/resolver_fixture.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;

// Servers of all kinds.

TEST_P(Resolver, KnowsThatThereIsNoSuchName) {
  const name_server server{events, zone({})};
  asking(server);

  EXPECT_EQ(look_up("nothing.test").error(), resolver_error(EAI_NONAME));
}

TEST_P(Resolver, TakesANameWithoutAddressesForNone) {
  const name_server server{events, zone({{"host.test", "2001:db8::1"}})};
  asking(server);

  EXPECT_EQ(look_up_4("host.test").error(), resolver_error(EAI_NONAME));
}

TEST_P(Resolver, SaysSoWhenAServerFails) {
  const name_server server{events,
                           [](const dns_query&) { return dns_reply{.outcome = dns_reply::code::server_failure}; }};
  asking(server);

  EXPECT_EQ(look_up_4("host.test").error(), resolver_error(EAI_AGAIN));
}

TEST_P(Resolver, AsksTheNextServerWhenOneFails) {
  const name_server failing{events,
                            [](const dns_query&) { return dns_reply{.outcome = dns_reply::code::server_failure}; }};
  const name_server working{events, zone({{"host.test", "192.0.2.1"}}), "127.0.0.2"};
  asking(std::vector{failing.where(), working.where()});

  EXPECT_THAT(hosts_of(look_up_4("host.test")), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, AsksAgainWhenAnAnswerIsLost) {
  int asked = 0;
  const name_server server{events, [&](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             reply.silent = ++asked == 1;
                             return reply;
                           }};
  how.timeout = 30ms;
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("host.test")), ElementsAre("192.0.2.1"));

  EXPECT_EQ(asked, 2);
}

TEST_P(Resolver, GivesUpWhenNobodyAnswers) {
  const name_server server{events, [](const dns_query&) { return dns_reply{.silent = true}; }};
  how.timeout = 10ms;
  how.tries = 2;
  asking(server);

  EXPECT_EQ(look_up_4("host.test").error(), resolver_error(EAI_AGAIN));

  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_P(Resolver, WaitsForASlowAnswer) {
  const name_server server{events, [](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             reply.delay = 2s;
                             return reply;
                           }};
  asking(server);
  const deadline start = events.io().now();

  EXPECT_THAT(hosts_of(look_up_4("host.test")), ElementsAre("192.0.2.1"));

  EXPECT_GE(events.io().now() - start, 2s);
}

TEST_P(Resolver, AsksByTcpWhenAnAnswerIsTruncated) {
  std::multimap<std::string, std::string> many;
  for (int each = 1; each <= 200; ++each) many.emplace("many.test", "192.0.2." + std::to_string(each));
  const name_server server{events, [&](const dns_query& query) {
                             dns_reply reply = zone(many)(query);
                             reply.truncated = true;
                             return reply;
                           }};
  asking(server);

  EXPECT_EQ(look_up_4("many.test")->size(), 200U);

  ASSERT_EQ(server.asked().size(), 2U);
  EXPECT_TRUE(server.asked().back().by_tcp);
}

TEST_P(Resolver, IgnoresAnswersToOtherQuestions) {
  int asked = 0;
  const name_server server{events, [&](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             ++asked;
                             reply.wrong_id = asked == 1;
                             reply.wrong_question = asked == 2;
                             return reply;
                           }};
  how.timeout = 20ms;
  how.tries = 3;
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("host.test")), ElementsAre("192.0.2.1"));

  EXPECT_EQ(asked, 3);
}

TEST_P(Resolver, FailsForAnAnswerThatBreaksOff) {
  const name_server server{events, [](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             reply.garbage = true;
                             return reply;
                           }};
  how.timeout = 10ms;
  asking(server);

  EXPECT_EQ(look_up_4("host.test").error().category(), resolver_category());
}

// The cache.

TEST_P(Resolver, KeepsAnAnswerForItsTtl) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}}, 60)};
  asking(server);
  EXPECT_TRUE(look_up_4("host.test"));

  run(events, [](loop& at) -> task<> { co_await sleep_for(at, 59s); }(events));
  EXPECT_TRUE(names->known({"HOST.test", "80", family::inet4}));
  EXPECT_TRUE(look_up_4("HOST.test"));
  EXPECT_EQ(server.asked().size(), 1U);

  run(events, [](loop& at) -> task<> { co_await sleep_for(at, 2s); }(events));
  EXPECT_FALSE(names->known({"host.test", "80", family::inet4}));
  EXPECT_TRUE(look_up_4("host.test"));
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_P(Resolver, KeepsAnAnswerForTheLeastTtlOnTheWay) {
  const name_server server{events, [](const dns_query& query) {
                             return dns_reply{.answers = {alias_record(query.name, "end.test", 10),
                                                          address_record("end.test", "192.0.2.7", 1000)}};
                           }};
  asking(server);
  EXPECT_TRUE(look_up_4("alias.test"));

  run(events, [](loop& at) -> task<> { co_await sleep_for(at, 11s); }(events));

  EXPECT_FALSE(names->known({"alias.test", "80", family::inet4}));
}

TEST_P(Resolver, DoesNotKeepAnAnswerWithoutTtl) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}}, 0)};
  asking(server);

  EXPECT_TRUE(look_up_4("host.test"));
  EXPECT_TRUE(look_up_4("host.test"));

  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_P(Resolver, RemembersThatThereIsNoSuchNameForAsLongAsTheZoneSays) {
  const name_server server{events, [](const dns_query&) {
                             return dns_reply{.outcome = dns_reply::code::no_such_name,
                                              .authorities = {zone_record("test", 300, 30)}};
                           }};
  asking(server);
  EXPECT_FALSE(look_up_4("host.test"));

  EXPECT_EQ(look_up_4("host.test").error(), resolver_error(EAI_NONAME));
  EXPECT_EQ(server.asked().size(), 1U);

  run(events, [](loop& at) -> task<> { co_await sleep_for(at, 31s); }(events));
  EXPECT_FALSE(look_up_4("host.test"));
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_P(Resolver, DoesNotKeepFailures) {
  bool failing = true;
  const name_server server{events, [&](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             if (failing) reply.outcome = dns_reply::code::server_failure;
                             return reply;
                           }};
  asking(server);
  EXPECT_FALSE(look_up_4("host.test"));

  failing = false;

  EXPECT_TRUE(look_up_4("host.test"));
}

TEST_P(Resolver, KeepsNoMoreAnswersThanItMay) {
  const name_server server{events, zone({{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.2"}, {"c.test", "192.0.2.3"}})};
  how.cache_size = 2;
  asking(server);

  for (const std::string name : {"a.test", "b.test", "a.test", "c.test"}) EXPECT_TRUE(look_up_4(name));

  EXPECT_TRUE(names->known({"a.test", "80", family::inet4}));
  EXPECT_FALSE(names->known({"b.test", "80", family::inet4}));
  EXPECT_TRUE(names->known({"c.test", "80", family::inet4}));
}

TEST_P(Resolver, KeepsNothingWithoutACache) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}})};
  how.cache_size = 0;
  asking(server);

  EXPECT_TRUE(look_up_4("host.test"));
  EXPECT_TRUE(look_up_4("host.test"));

  EXPECT_EQ(server.asked().size(), 2U);
}

}  // namespace
}  // namespace copas
