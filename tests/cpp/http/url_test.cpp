#include "copas/http/url.hpp"

#include <gmock/gmock.h>

#include "copas/http/error.hpp"
#include "copas/http/policy.hpp"

namespace copas::http {
namespace {

TEST(Url, IsSplitIntoItsParts) {
  const url_parts parts = split_url("http://me:secret@host.test:81/a/b;c?d=e#f");

  EXPECT_EQ(parts.scheme, "http");
  EXPECT_EQ(parts.authority, "me:secret@host.test:81");
  EXPECT_EQ(parts.userinfo, "me:secret");
  EXPECT_EQ(parts.user, "me");
  EXPECT_EQ(parts.password, "secret");
  EXPECT_EQ(parts.host, "host.test");
  EXPECT_EQ(parts.port, "81");
  EXPECT_EQ(parts.path, "/a/b");
  EXPECT_EQ(parts.params, "c");
  EXPECT_EQ(parts.query, "d=e");
  EXPECT_EQ(parts.fragment, "f");
}

TEST(Url, HasNoPartThatIsNotThere) {
  const url_parts parts = split_url("//host");

  EXPECT_FALSE(parts.scheme || parts.userinfo || parts.port || parts.path || parts.query);
  EXPECT_EQ(parts.host, "host");
  EXPECT_EQ(split_url("http://host:/").port, "");
  EXPECT_FALSE(split_url("http:///x").host);
}

TEST(Url, HasAnIPv6AddressInBrackets) {
  const url_parts parts = split_url("http://[::1]:8080/");

  EXPECT_EQ(parts.host, "::1");
  EXPECT_EQ(parts.port, "8080");
  EXPECT_FALSE(split_url("http://[::1]/").port);
}

TEST(Url, ResolvesReferencesAsTheStandardDoes) {  // RFC 3986 section 5.4
  const std::string base = "http://a/b/c/d;p?q";
  const std::pair<const char*, const char*> cases[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"./g/.", "http://a/b/c/g/"},
      {"g;x=1/../y", "http://a/b/c/g;x=1/../y"},
  };

  for (const auto& [reference, expected] : cases) EXPECT_EQ(resolve(base, reference), expected) << reference;
}

TEST(Url, ResolvesReferencesToABaseThatIsRelativeItself) {  // found by url_fuzzer
  EXPECT_EQ(resolve("a", "x/../../g"), "http:/g");
  EXPECT_EQ(resolve("", ".."), "http:/");
}

TEST(Url, ResolvesReferencesWithBlanks) {
  EXPECT_EQ(resolve("http://a/b", "c d;e f?g h"), "http://a/c%20d;e%20f?g%20h");
  EXPECT_EQ(resolve("http://a/b", "http://c/d e"), "http://c/d%20e");
}

TEST(Url, ThatCanBeRequestedIsChecked) {
  const auto found = url::parse("HTTPS://Host.test:8443/x?y#z");

  ASSERT_TRUE(found);
  EXPECT_TRUE(found->secure);
  EXPECT_EQ(found->host, "Host.test");
  EXPECT_EQ(found->port, 8443);
  EXPECT_EQ(found->target, "/x?y");
  EXPECT_EQ(found->authority(), "Host.test:8443");
  EXPECT_EQ(url::parse("http://[::1]")->authority(), "[::1]");
  EXPECT_EQ(url::parse("http://a")->target, "/");
}

TEST(Url, ThatCannotBeRequestedIsRefused) {
  const std::pair<const char*, error> cases[] = {
      {"", error::invalid_url},
      {"gopher://a", error::unsupported_scheme},
      {"a/b", error::unsupported_scheme},
      {"http:///x", error::invalid_host},
      {"http://:80/", error::invalid_host},
      {"http://a b/", error::invalid_host},
      {"http://a\r\nb/", error::invalid_host},
      {"http://a:0/", error::invalid_port},
      {"http://a:65536/", error::invalid_port},
      {"http://a:-1/", error::invalid_port},
      {"http://a:80x/", error::invalid_port},
      {"http://a/b c", error::invalid_target},
      {"http://a/b\r\nX: y", error::invalid_target},
      {"http://a/b\x7f", error::invalid_target},
  };

  for (const auto& [text, why] : cases) {
    const auto found = url::parse(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error(), make_error_code(why)) << text;
  }
}

TEST(Url, IsAtTheSameOriginIfSchemeHostAndPortAreTheSame) {
  const url one = url::parse("http://A.test/x").value();

  EXPECT_TRUE(one.same_origin(url::parse("http://a.TEST:80/y").value()));
  EXPECT_FALSE(one.same_origin(url::parse("https://a.test:80/").value()));
  EXPECT_FALSE(one.same_origin(url::parse("http://a.test:81/").value()));
  EXPECT_FALSE(one.same_origin(url::parse("http://b.test/").value()));
}

TEST(Proxy, IsBypassedForTheHostsOfAList) {
  EXPECT_TRUE(bypasses_proxy("a.test, .b.test", "A.test", 80));
  EXPECT_TRUE(bypasses_proxy("a.test, .b.test", "x.b.test", 80));
  EXPECT_TRUE(bypasses_proxy("b.test", "x.b.test", 80));
  EXPECT_TRUE(bypasses_proxy("*", "whatever", 80));
  EXPECT_TRUE(bypasses_proxy("a.test:81", "a.test", 81));
  EXPECT_TRUE(bypasses_proxy("[::1]", "::1", 80));
  EXPECT_FALSE(bypasses_proxy("a.test:81", "a.test", 80));
  EXPECT_FALSE(bypasses_proxy("b.test", "notb.test", 80));
  EXPECT_FALSE(bypasses_proxy("", "a.test", 80));
}

}  // namespace
}  // namespace copas::http
