#include "copas/net/address.hpp"

#include <gmock/gmock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

namespace copas {
namespace {

TEST(Address, IsOfNoFamilyAtFirst) {
  const address none;

  EXPECT_EQ(none.family(), family::unspecified);
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.size(), 0U);
}

TEST(Address, ShowsAnIPv4Address) {
  const auto found = address::parse("192.0.2.17", 8080);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->family(), family::inet4);
  EXPECT_EQ(found->host(), "192.0.2.17");
  EXPECT_EQ(found->port(), 8080);
  EXPECT_EQ(found->size(), sizeof(sockaddr_in));
}

TEST(Address, ShowsAnIPv6Address) {
  const auto found = address::parse("2001:db8::1", 65535);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->family(), family::inet6);
  EXPECT_EQ(found->host(), "2001:db8::1");
  EXPECT_EQ(found->port(), 65535);
  EXPECT_EQ(found->size(), sizeof(sockaddr_in6));
}

TEST(Address, ShowsTheZoneOfALinkLocalAddress) {
  const auto found = address::parse("fe80::1%lo", 80);
  if (!found) GTEST_SKIP() << "no zones here: " << found.error().message();

  EXPECT_EQ(found->host(), "fe80::1%lo");
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

TEST(Address, ComesFromNoName) {
  for (const std::string text : {"", "localhost", "not a name", "1.2.3.4.5"}) {
    const auto found = address::parse(text, 80);

    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error(), std::error_code(EAI_NONAME, resolver_category()));
  }
}

TEST(Address, ChangesItsPort) {
  address fourth = address::parse("192.0.2.17", 1).value();
  address sixth = address::parse("2001:db8::1", 1).value();

  fourth.set_port(8080);
  sixth.set_port(443);

  EXPECT_EQ(fourth.port(), 8080);
  EXPECT_EQ(sixth.port(), 443);
  EXPECT_EQ(fourth, address::parse("192.0.2.17", 8080));
}

}  // namespace
}  // namespace copas
