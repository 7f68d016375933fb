// Answers that a name server cannot mean: none of them does harm, and what follows them is understood.

#include <gmock/gmock.h>
#include <netdb.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/resolver_fixture.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::ElementsAre;

constexpr std::size_t header_size = 12;

// Random choices, the same in each run.
class dice {
 public:
  explicit dice(unsigned seed) : source_{seed} {}
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : source_() % limit; }
  bool once_in(std::size_t times) { return below(times) == 0; }
  char byte() { return static_cast<char>(source_() & 0xff); }
  std::string bytes(std::size_t count) {
    std::string made(count, '\0');
    std::ranges::generate(made, [this] { return byte(); });
    return made;
  }

 private:
  std::mt19937 source_;
};

// Everything that a reply to this question may have in it.
dns_reply full_reply(const dns_query& query) {
  if (query.type == dns_type::ptr) return {.answers = {host_record(query.name, "found.test")}};
  if (query.name.starts_with("nothing")) {
    return {.outcome = dns_reply::code::no_such_name, .authorities = {zone_record("test", 300, 30)}};
  }
  const std::string address = query.type == dns_type::aaaa ? "2001:db8::1" : "192.0.2.1";
  return {.answers = {alias_record(query.name, "middle.test"), alias_record("middle.test", "end.test"),
                      address_record("end.test", address), address_record("end.test", address)},
          .authorities = {zone_record("test", 300, 30)}};
}

// Changes a message behind `begin`, in one of the ways that a parser of it may stumble over.
void damage(std::string& message, std::size_t begin, dice& random) {
  begin = std::min(begin, message.size());
  const std::size_t at = begin + random.below(message.size() - begin);
  if (at == message.size()) return;
  switch (random.below(7)) {
    case 0: message[at] = random.byte(); break;
    case 1: message[at] = static_cast<char>(message[at] ^ (1 << random.below(8))); break;
    case 2: message.resize(at); break;
    case 3: message.insert(at, random.bytes(random.below(20))); break;
    case 4: message.erase(at, random.below(20)); break;
    case 5: message.replace(at, 2, {'\xC0', static_cast<char>(random.below(message.size()))}); break;  // a pointer
    default: message.replace(at, 2, random.once_in(2) ? "\xFF\xFF" : std::string(2, '\0')); break;  // a length
  }
}

// A reply that is damaged: mostly only behind the question, without which nobody looks at it, and sometimes in the counts
// of the header.
std::string damaged_reply(const dns_query& query, dice& random) {
  std::string message = dns_message(query, full_reply(query));
  const std::size_t answers = header_size + query.bytes.size();
  for (std::size_t times = 1 + random.below(4); times > 0; --times) {
    damage(message, random.once_in(8) ? 2 : answers, random);
  }
  if (random.once_in(4) && message.size() > header_size) message[4 + random.below(8)] = random.byte();
  return message;
}

// A reply of random bytes, behind none, one or both of the parts that make it one to this question.
std::string random_reply(const dns_query& query, dice& random) {
  std::string message = dns_message(query, {.answers = {address_record(query.name, "192.0.2.1")}});
  message.resize(std::vector<std::size_t>{0, 2, header_size, header_size + query.bytes.size()}[random.below(4)]);
  return message + random.bytes(random.below(100));
}

class MalformedAnswers : public Resolver {
 public:
  using forger = std::function<std::string(const dns_query&, dice&)>;

  MalformedAnswers() { how.cache_size = 0; }

  // Looks names up at a server that has a forged reply in front of each real one, and then without.
  void look_up_behind(const forger& forge, int rounds) {
    dice random{42};
    const name_server server{events, [&](const dns_query& query) {
                               dns_reply reply = full_reply(query);
                               if (!query.name.starts_with("honest")) reply.before = {forge(query, random)};
                               return reply;
                             }};
    asking(server);

    for (int round = 0; round < rounds; ++round) expect_sense(round);

    EXPECT_GT(malformed_, 0);  // or nobody has looked at a forged reply
    EXPECT_THAT(hosts_of(look_up_4("honest.test")), ElementsAre("192.0.2.1"));
  }

 private:
  // Something is found, or there is an error of look-ups.
  void expect_sense(int round) {
    if (round % 8 == 0) {
      const auto found = look_up_name(address::parse("192.0.2.77", 0).value());
      EXPECT_TRUE(found || is_proper(found.error())) << round;
      return;
    }
    const auto found = look_up(std::string{round % 8 == 1 ? "nothing.test" : "host.test"});
    EXPECT_TRUE(found ? !found->empty() : is_proper(found.error())) << round;
  }
  bool is_proper(const std::error_code& error) {
    if (error == resolver_error(EAI_FAIL)) ++malformed_;
    return error.category() == resolver_category();
  }

  int malformed_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Worlds, MalformedAnswers, every_world, name_of_world);

TEST_P(MalformedAnswers, DoNoHarmIfTheyAreDamaged) {
  look_up_behind(&damaged_reply, static_cast<int>(scaled(400, 100)));
}

TEST_P(MalformedAnswers, DoNoHarmIfTheyAreRandom) { look_up_behind(&random_reply, static_cast<int>(scaled(200, 50))); }

TEST_P(MalformedAnswers, DoNoHarmByTcp) {
  write_file(resolv_conf.text(), "nameserver 127.0.0.1\noptions use-vc\n");

  look_up_behind(&damaged_reply, static_cast<int>(scaled(200, 50)));
}

// By name, what a parser is most likely to get wrong.

// Whatever stands behind the question, in the real reply's place.
class MalformedAnswer : public Resolver {
 public:
  // What looking up a name comes to.
  std::error_code error_for(const std::string& records, dns_reply::code outcome = dns_reply::code::fine) {
    const name_server server{events, [&](const dns_query& query) {
                               std::string message = dns_message(query, {.outcome = outcome});
                               message[outcome == dns_reply::code::fine ? 7 : 9] = 1;  // records in that section
                               return dns_reply{.before = {message + records}};
                             }};
    asking(server);
    const auto found = look_up_4("host.test");
    return found ? std::error_code{} : found.error();
  }
};
INSTANTIATE_TEST_SUITE_P(Worlds, MalformedAnswer, ::testing::Values(world::plain), name_of_world);

using namespace std::string_literals;

// The name, which is that of the question; type and class; a TTL of a minute.
const std::string address_head = "\xC0\x0C\0\1\0\1\0\0\0\x3C"s;
const std::string alias_head = "\xC0\x0C\0\5\0\1\0\0\0\x3C"s;
const std::string zone_head = "\xC0\x0C\0\6\0\1\0\0\0\x3C"s;

TEST_P(MalformedAnswer, IsUnderstoodIfNothingIsWrong) { EXPECT_FALSE(error_for(address_head + "\0\4\xC0\0\2\1"s)); }

TEST_P(MalformedAnswer, FailsForAnAddressThatIsTooShortOrTooLong) {
  EXPECT_EQ(error_for(address_head + "\0\3\xC0\0\2"s), resolver_error(EAI_FAIL));
  EXPECT_EQ(error_for(address_head + "\0\5\xC0\0\2\1\1"s), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, FailsForARecordThatIsLongerThanTheMessage) {
  EXPECT_EQ(error_for(address_head + "\0\5\xC0\0\2\1"s), resolver_error(EAI_FAIL));
  EXPECT_EQ(error_for(address_head + "\xFF\xFF\xC0\0\2\1"s), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, FailsIfThereAreFewerRecordsThanItSays) {
  EXPECT_EQ(error_for(""), resolver_error(EAI_FAIL));
  EXPECT_EQ(error_for(address_head.substr(0, 7)), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, FailsForANameThatPointsToItself) {
  const auto here = static_cast<char>(header_size + "\4host\4test\0\0\1\0\1"s.size());
  EXPECT_EQ(error_for("\xC0"s + here + address_head.substr(2) + "\0\4\xC0\0\2\1"s), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, FailsForANameThatPointsOutOfTheMessage) {
  EXPECT_EQ(error_for(alias_head + "\0\2\xFF\xFF"s), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, FailsForALabelThatIsLongerThanTheMessage) {
  EXPECT_EQ(error_for(alias_head + "\0\2\x3Fx"s), resolver_error(EAI_FAIL));
}

TEST_P(MalformedAnswer, IsNotRememberedForTheTimeOfAZoneRecordThatIsTooShort) {
  EXPECT_EQ(error_for(zone_head + "\0\0"s, dns_reply::code::no_such_name), resolver_error(EAI_NONAME));

  EXPECT_FALSE(names->known({"host.test", "80", family::inet4}));
}

}  // namespace
}  // namespace copas
