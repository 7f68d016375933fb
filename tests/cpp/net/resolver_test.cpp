#include "copas/net/resolver.hpp"

#include <gmock/gmock.h>
#include <netdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/resolver_fixture.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

INSTANTIATE_TEST_SUITE_P(Worlds, Resolver, every_world, name_of_world);

// What needs no question.

TEST_P(Resolver, TakesAddressesAsTheyAre) {
  const name_server server{events, zone({})};
  asking(server);

  EXPECT_THAT(hosts_of(look_up("192.0.2.17")), ElementsAre("192.0.2.17"));
  EXPECT_THAT(hosts_of(look_up("2001:db8::17")), ElementsAre("2001:db8::17"));
  EXPECT_EQ(look_up("192.0.2.17")->front().port(), 80);
  EXPECT_THAT(server.asked(), IsEmpty());
}

TEST_P(Resolver, KnowsThisMachineWithoutAHost) {
  asking(std::vector<address>{});

  EXPECT_THAT(hosts_of(look_up({"", "80", family::inet4})), ElementsAre("127.0.0.1"));
  EXPECT_THAT(hosts_of(look_up({"", "80", family::inet4, address_use::listening})), ElementsAre("0.0.0.0"));
  EXPECT_THAT(hosts_of(look_up({"*", "80", family::unspecified, address_use::listening})), ElementsAre("0.0.0.0"));
}

TEST_P(Resolver, FailsForAnAddressOfAnotherFamily) {
  asking(std::vector<address>{});

  EXPECT_EQ(look_up({"127.0.0.1", "80", family::inet6}).error().category(), resolver_category());
}

TEST_P(Resolver, KnowsServicesByName) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}})};
  asking(server);

  EXPECT_EQ(look_up({"host.test", "http", family::inet4})->front().port(), 80);
  EXPECT_EQ(look_up(lookup_request{"host.test", "no-such-service"}).error(), resolver_error(EAI_SERVICE));
}

TEST_P(Resolver, FindsHostsInTheFile) {
  const name_server server{events, zone({})};
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("printer")), ElementsAre("192.0.2.1"));
  EXPECT_THAT(hosts_of(look_up("PRINTER.test")), UnorderedElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(look_up_host("printer")->name, "printer.test");
  EXPECT_THAT(look_up_host("printer")->aliases, ElementsAre("printer"));
  EXPECT_EQ(look_up_name(address::parse("192.0.2.1", 0).value())->name, "printer.test");
  EXPECT_THAT(server.asked(), IsEmpty());
}

TEST_P(Resolver, ReadsTheFileOfHostsAgainWhenItHasChanged) {
  const name_server server{events, zone({})};
  asking(server);
  EXPECT_EQ(look_up_4("scanner").error(), resolver_error(EAI_NONAME));

  write_file(hosts.text(), "192.0.2.2 scanner\n");

  EXPECT_THAT(hosts_of(look_up_4("scanner")), ElementsAre("192.0.2.2"));
  EXPECT_EQ(look_up_4("printer").error(), resolver_error(EAI_NONAME));
}

TEST_P(Resolver, NeverAsksForLocalhost) {
  const name_server server{events, zone({{"localhost", "192.0.2.66"}, {"a.localhost", "192.0.2.66"}})};
  asking(server);

  EXPECT_THAT(hosts_of(look_up("localhost")), UnorderedElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(hosts_of(look_up_4("a.localhost.")), ElementsAre("127.0.0.1"));
  EXPECT_THAT(server.asked(), IsEmpty());
}

TEST_P(Resolver, NeverAsksForWhatCannotExist) {
  const name_server server{events, zone({})};
  asking(server);

  for (const std::string name : {"not a name", "host.invalid", "", "a..b", ".", "back\\slash", "x.onion"}) {
    EXPECT_EQ(names->known_host(name, family::inet4)->error(), resolver_error(EAI_NONAME)) << name;
  }
  EXPECT_EQ(look_up_4(std::string(64, 'x') + ".test").error(), resolver_error(EAI_NONAME));
  EXPECT_THAT(server.asked(), IsEmpty());
}

// Asking.

TEST_P(Resolver, AsksForBothFamilies) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}, {"host.test", "2001:db8::1"}})};
  asking(server);

  EXPECT_THAT(hosts_of(look_up("host.test")), UnorderedElementsAre("192.0.2.1", "2001:db8::1"));

  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_P(Resolver, AsksForTheFamilyThatIsWanted) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}, {"host.test", "2001:db8::1"}})};
  asking(server);

  EXPECT_THAT(hosts_of(look_up({"host.test", "80", family::inet6})), ElementsAre("2001:db8::1"));

  ASSERT_EQ(server.asked().size(), 1U);
  EXPECT_EQ(server.asked().front().type, dns_type::aaaa);
}

TEST_P(Resolver, IsContentWithOneFamily) {
  const name_server server{events, [](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             if (query.type == dns_type::aaaa) reply.outcome = dns_reply::code::not_implemented;
                             return reply;
                           }};
  asking(server);

  EXPECT_THAT(hosts_of(look_up("host.test")), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, FindsManyAddresses) {
  std::multimap<std::string, std::string> many;
  for (int each = 1; each <= 100; ++each) many.emplace("many.test", "192.0.2." + std::to_string(each));
  const name_server server{events, zone(many)};
  asking(server);

  EXPECT_EQ(look_up_4("many.test")->size(), 100U);
}

TEST_P(Resolver, FollowsAliases) {
  const name_server server{
      events, [](const dns_query& query) {
        return dns_reply{.answers = {alias_record(query.name, "middle.test"), alias_record("middle.test", "end.test"),
                                     address_record("end.test", "192.0.2.7")}};
      }};
  asking(server);

  const auto found = look_up_host("alias.test");

  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "end.test");
  EXPECT_THAT(found->aliases, UnorderedElementsAre("alias.test", "middle.test"));
  EXPECT_EQ(found->addresses.front().host(), "192.0.2.7");
}

TEST_P(Resolver, TakesOnlyWhatBelongsToTheNameThatItAskedFor) {
  const name_server server{events, [](const dns_query& query) {
                             return dns_reply{.answers = {address_record("other.test", "192.0.2.66"),
                                                          address_record(query.name, "192.0.2.1"),
                                                          alias_record("third.test", "fourth.test")}};
                           }};
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("host.test")), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, GetsOutOfAliasesThatGoRoundInCircles) {
  const name_server server{
      events, [](const dns_query&) {
        return dns_reply{.answers = {alias_record("a.test", "b.test"), alias_record("b.test", "a.test")}};
      }};
  asking(server);

  EXPECT_EQ(look_up_4("a.test").error(), resolver_error(EAI_NONAME));
}

TEST_P(Resolver, FindsTheHostOfAnAddress) {
  const name_server server{
      events, [](const dns_query& query) { return dns_reply{.answers = {host_record(query.name, "found.test")}}; }};
  asking(server);

  EXPECT_EQ(look_up_name(address::parse("192.0.2.77", 0).value())->name, "found.test");
  EXPECT_EQ(look_up_name(address::parse("2001:db8::77", 0).value())->name, "found.test");

  ASSERT_EQ(server.asked().size(), 2U);
  EXPECT_EQ(server.asked().front().name, "77.2.0.192.in-addr.arpa");
  EXPECT_EQ(server.asked().back().name, "7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_P(Resolver, AsksOnceForManyWhoWantTheSame) {
  const name_server server{events, zone({{"host.test", "192.0.2.1"}})};
  asking(server);
  int found = 0;
  auto body = [&]() -> task<> {
    auto lookup = names->look_up({"host.test", "80", family::inet4});
    if (co_await lookup) ++found;
  };
  {
    scope tasks{events};
    for (int count = 0; count < 10; ++count) tasks.spawn(body());
    run(events, [](scope& all) -> task<> { co_await all.join(); }(tasks));
  }

  EXPECT_EQ(found, 10);
  EXPECT_EQ(server.asked().size(), 1U);
}

// Names in domains.

TEST_P(Resolver, TriesUnqualifiedNamesInTheDomainsThatAreSearched) {
  const name_server server{events, zone({{"host.two.test", "192.0.2.1"}})};
  how.domains = {"one.test", "two.test"};
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("host")), ElementsAre("192.0.2.1"));

  EXPECT_EQ(server.times_asked("host.one.test"), 1U);
  EXPECT_EQ(server.times_asked("host"), 0U);
}

TEST_P(Resolver, TriesANameWithADotAsItIsFirst) {
  const name_server server{events, zone({{"www.host", "192.0.2.1"}, {"www.other.one.test", "192.0.2.2"}})};
  how.domains = {"one.test"};
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("www.host")), ElementsAre("192.0.2.1"));
  EXPECT_THAT(hosts_of(look_up_4("www.other")), ElementsAre("192.0.2.2"));

  EXPECT_EQ(server.times_asked("www.host.one.test"), 0U);
  EXPECT_EQ(server.times_asked("www.other"), 1U);
}

TEST_P(Resolver, TakesANameThatEndsWithADotAsItIs) {
  const name_server server{events, zone({{"host.one.test", "192.0.2.1"}})};
  how.domains = {"one.test"};
  asking(server);

  EXPECT_EQ(look_up_4("host.").error(), resolver_error(EAI_NONAME));

  EXPECT_EQ(server.times_asked("host.one.test"), 0U);
}

TEST_P(Resolver, TakesTheFirstNameThatHasAnAddressOfAnyFamily) {
  const name_server server{events, zone({{"host.one.test", "192.0.2.1"}, {"host.two.test", "2001:db8::2"}})};
  how.domains = {"one.test", "two.test"};
  asking(server);

  EXPECT_THAT(hosts_of(look_up("host")), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, SearchesNowhereWhereTheListOfDomainsIsALoneDot) {
  const name_server server{events, zone({{"host", "192.0.2.1"}})};
  write_file(resolv_conf.text(), "nameserver 127.0.0.1\nsearch .\n");
  how.domains.reset();
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("host")), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, DoesWhatTheFileSays) {
  const name_server server{events, zone({{"a.b.one.test", "192.0.2.1"}})};
  write_file(resolv_conf.text(), "# a comment\nsearch one.test. two.test\noptions ndots:2 timeout:3\n");
  how.domains.reset();
  asking(server);

  EXPECT_THAT(hosts_of(look_up_4("a.b")), ElementsAre("192.0.2.1"));

  EXPECT_EQ(server.times_asked("a.b"), 0U);
}

TEST_P(Resolver, ReadsTheFileAgainWhenItHasChanged) {
  const name_server server{events, zone({{"host.one.test", "192.0.2.1"}, {"host.two.test", "192.0.2.2"}})};
  write_file(resolv_conf.text(), "search one.test\n");
  how.domains.reset();
  asking(server);
  EXPECT_THAT(hosts_of(look_up_4("host")), ElementsAre("192.0.2.1"));

  write_file(resolv_conf.text(), "search two.test \n");

  EXPECT_THAT(hosts_of(look_up_4("host")), ElementsAre("192.0.2.2"));
}

// The end of waiting.

TEST_P(Resolver, GivesUpAtTheDeadline) {
  const name_server server{events, [](const dns_query&) { return dns_reply{.silent = true}; }};
  asking(server);

  EXPECT_EQ(look_up({"host.test", "80"}, events.io().now() + 1s).error(), errc::timed_out);
}

TEST_P(Resolver, DoesNotKeepALoopRunningForALookUpThatWasCancelled) {
  name_server server{events, [](const dns_query&) { return dns_reply{.silent = true}; }};
  asking(server);
  {
    scope tasks{events};
    auto body = [&]() -> task<> {
      auto lookup = names->look_up("host.test", 80);
      static_cast<void>(co_await lookup);
    };
    tasks.spawn(body());
    settle(events);
    EXPECT_FALSE(events.finished());
  }
  server.stop();

  EXPECT_TRUE(events.finished());
}

TEST_P(Resolver, MayGoWhileAnAnswerIsOnItsWay) {
  name_server server{events, [](const dns_query&) { return dns_reply{.silent = true}; }};
  asking(server);
  {
    scope tasks{events};
    auto body = [&]() -> task<> {
      auto lookup = names->look_up("host.test", 80);
      static_cast<void>(co_await lookup);
    };
    tasks.spawn(body());
    settle(events);
  }

  names.reset();
  server.stop();

  EXPECT_TRUE(events.finished());
}

TEST_P(Resolver, AsksAnewWhenItsOptionsChange) {
  const name_server dead{events, [](const dns_query&) { return dns_reply{.silent = true}; }};
  const name_server working{events, zone({{"host.test", "192.0.2.1"}})};
  asking(dead);
  std::optional<result<std::vector<address>>> found;
  scope tasks{events};
  begin_look_up_4(tasks, "host.test", found);
  turn_until(events, [&] { return !dead.asked().empty(); });

  how.servers = {working.where()};
  names->set_options(how);
  turn_until(events, [&] { return found.has_value(); });

  EXPECT_THAT(hosts_of(*found), ElementsAre("192.0.2.1"));
}

TEST_P(Resolver, AsksAnewInAChild) {
  bool answers = false;
  const name_server server{events, [&](const dns_query& query) {
                             if (!answers) return dns_reply{.silent = true};
                             return zone({{"host.test", "192.0.2.1"}, {"other.test", "192.0.2.2"}})(query);
                           }};
  asking(server);
  std::optional<result<std::vector<address>>> found;
  scope tasks{events};
  begin_look_up_4(tasks, "host.test", found);
  turn_until(events, [&] { return !server.asked().empty(); });

  const pid_t child = ::fork();
  if (child == 0) {
    answers = true;
    const deadline limit = events.io().now() + *how.timeout;  // then it would be asked once more anyway
    const auto other = look_up_4("other.test");
    turn_until(events, [&] { return found.has_value(); });
    ::_exit(other.has_value() && found->has_value() && events.io().now() < limit ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

TEST_P(Resolver, LetsOthersRunWhileItWaits) {
  const name_server server{events, [](const dns_query& query) {
                             dns_reply reply = zone({{"host.test", "192.0.2.1"}})(query);
                             reply.delay = 200ms;
                             return reply;
                           }};
  asking(server);
  int ticks = 0;
  scope tasks{events};
  auto tick = [&]() -> task<> {
    for (;;) {
      co_await sleep_for(events, 1ms);
      ++ticks;
    }
  };
  tasks.spawn(tick());

  EXPECT_TRUE(look_up_4("host.test"));

  EXPECT_GE(ticks, 190);
}

// The system's way.

TEST_P(Resolver, MayGoTheSystemsWay) {
  how.mode = resolver_options::way::system;
  asking(std::vector<address>{});

  EXPECT_THAT(hosts_of(look_up({"localhost", "80", family::inet4})), ElementsAre("127.0.0.1"));
  EXPECT_EQ(look_up("127.0.0.1.not.a.name .").error(), resolver_error(EAI_NONAME));
}

TEST_P(Resolver, GoesTheSystemsWayWithoutALibrary) {
  names.emplace(events, how, nullptr);

  EXPECT_THAT(hosts_of(look_up({"localhost", "80", family::inet4})), ElementsAre("127.0.0.1"));
}

TEST_P(Resolver, DropsWhatAHelperBringsTooLate) {
  how.mode = resolver_options::way::system;
  asking(std::vector<address>{});
  {
    scope tasks{events};
    auto body = [&]() -> task<> {
      auto lookup = names->look_up("localhost", 80);
      static_cast<void>(co_await lookup);
    };
    tasks.spawn(body());
    events.turn(deadline::min());
  }

  names.reset();
  settle(events);

  EXPECT_TRUE(events.tasks().empty());
}

}  // namespace
}  // namespace copas
