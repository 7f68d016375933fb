#include "copas/net/address.hpp"

#include <gmock/gmock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace copas {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Property;

TEST(Address, IsOfNoFamilyAtFirst) {
  const address none;

  EXPECT_EQ(none.family(), family::unspecified);
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.size(), 0U);
}

TEST(Address, ShowsAnIPv4Address) {
  const auto found = resolve("192.0.2.17", "8080", family::unspecified, address_use::connecting);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().family(), family::inet4);
  EXPECT_EQ(found->front().host(), "192.0.2.17");
  EXPECT_EQ(found->front().port(), 8080);
  EXPECT_EQ(found->front().size(), sizeof(sockaddr_in));
}

TEST(Address, ShowsAnIPv6Address) {
  const auto found = resolve("2001:db8::1", "65535", family::unspecified, address_use::connecting);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().family(), family::inet6);
  EXPECT_EQ(found->front().host(), "2001:db8::1");
  EXPECT_EQ(found->front().port(), 65535);
  EXPECT_EQ(found->front().size(), sizeof(sockaddr_in6));
}

TEST(Address, ShowsTheZoneOfALinkLocalAddress) {
  const auto found = resolve("fe80::1%lo", "80", family::inet6, address_use::connecting);
  if (!found) GTEST_SKIP() << "no zones here: " << found.error().message();

  EXPECT_EQ(found->front().host(), "fe80::1%lo");
}

TEST(Address, OfAnotherKindOfSocketIsOfNoFamily) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  std::strcpy(path.sun_path, "/a/path/that/is/longer/than/an/address/of/the/internet");

  const address other{reinterpret_cast<const sockaddr*>(&path), sizeof path};

  EXPECT_EQ(other.family(), family::unspecified);
  EXPECT_EQ(other.port(), 0);
  EXPECT_LE(other.size(), address::capacity);
}

TEST(Resolve, GivesThisMachineForNoHostToConnectTo) {
  const auto found = resolve("", "80", family::inet4, address_use::connecting);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().host(), "127.0.0.1");
}

TEST(Resolve, GivesEveryAddressForNoHostToListenAt) {
  const auto found = resolve("", "80", family::inet4, address_use::listening);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().host(), "0.0.0.0");
}

TEST(Resolve, GivesOnlyTheFamilyThatIsWanted) {
  const auto found = resolve("localhost", "80", family::inet4, address_use::connecting);

  ASSERT_TRUE(found);
  EXPECT_THAT(*found, Not(IsEmpty()));
  EXPECT_TRUE(std::ranges::all_of(*found, [](const address& each) { return each.family() == family::inet4; }));
}

TEST(Resolve, GivesEachAddressOnce) {
  const auto found = resolve("127.0.0.1", "80", family::unspecified, address_use::connecting);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 1U);
}

TEST(Resolve, FailsForAnAddressOfAnotherFamily) {
  const auto found = resolve("127.0.0.1", "80", family::inet6, address_use::connecting);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().category(), resolver_category());
}

TEST(Resolve, FailsForAServiceThatDoesNotExist) {
  const auto found = resolve("127.0.0.1", "no-such-service", family::unspecified, address_use::connecting);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error(), std::error_code(EAI_SERVICE, resolver_category()));
  EXPECT_EQ(found.error().message(), ::gai_strerror(EAI_SERVICE));
}

TEST(Resolve, FailsForANameThatIsNoName) {
  const auto found = resolve("not a name", "80", family::unspecified, address_use::connecting);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().category(), resolver_category());
}

}  // namespace
}  // namespace copas
