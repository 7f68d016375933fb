#include "net/destination_order.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace copas {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<address> addresses(const std::vector<std::string>& hosts) {
  std::vector<address> made;
  for (const std::string& each : hosts) made.push_back(address::parse(each, 80).value());
  return made;
}

std::vector<std::string> hosts(const std::vector<address>& of) {
  std::vector<std::string> texts;
  for (const address& each : of) texts.push_back(each.host());
  return texts;
}

std::vector<std::string> sorted(const std::vector<std::string>& given) {
  auto destinations = addresses(given);
  sort_destinations(destinations);
  return hosts(destinations);
}

std::vector<std::string> interleaved(const std::vector<std::string>& given, std::optional<family> before = {}) {
  auto destinations = addresses(given);
  interleave_families(destinations, before);
  return hosts(destinations);
}

TEST(DestinationOrder, KeepsTheOrderOfEquals) {
  EXPECT_THAT(sorted({"127.0.0.3", "127.0.0.1", "127.0.0.2"}), ElementsAre("127.0.0.3", "127.0.0.1", "127.0.0.2"));
  EXPECT_THAT(sorted({}), IsEmpty());
}

TEST(DestinationOrder, PutsWhatCannotBeReachedLast) {
  // To a broadcast address there is no way but for a socket that asks for it.
  EXPECT_THAT(sorted({"255.255.255.255", "127.0.0.1"}), ElementsAre("127.0.0.1", "255.255.255.255"));
}

TEST(DestinationOrder, PrefersIPv6OfThisMachineWhereThereIsIPv6) {
  const auto both = sorted({"127.0.0.1", "::1"});

  // Without IPv6 there is no way to the second.
  EXPECT_TRUE(both == std::vector<std::string>({"::1", "127.0.0.1"}) ||
              both == std::vector<std::string>({"127.0.0.1", "::1"}));
}

TEST(DestinationOrder, KeepsPorts) {
  auto destinations = addresses({"127.0.0.1", "127.0.0.2"});
  destinations.front().set_port(1234);

  sort_destinations(destinations);

  EXPECT_EQ(destinations.front().port(), 1234);
}

TEST(DestinationOrder, LetsFamiliesAlternate) {
  EXPECT_THAT(interleaved({"::1", "::2", "::3", "192.0.2.1"}), ElementsAre("::1", "192.0.2.1", "::2", "::3"));
  EXPECT_THAT(interleaved({"192.0.2.1", "192.0.2.2", "::1"}), ElementsAre("192.0.2.1", "::1", "192.0.2.2"));
  EXPECT_THAT(interleaved({}), IsEmpty());
}

TEST(DestinationOrder, BeginsWithAnotherFamilyThanTheLastOne) {
  EXPECT_THAT(interleaved({"::1", "::2", "192.0.2.1"}, family::inet6), ElementsAre("192.0.2.1", "::1", "::2"));
  EXPECT_THAT(interleaved({"::1", "::2"}, family::inet6), ElementsAre("::1", "::2"));
  EXPECT_THAT(interleaved({"::1", "192.0.2.1"}, family::inet4), ElementsAre("::1", "192.0.2.1"));
}

}  // namespace
}  // namespace copas
