#include "copas/http/message.hpp"

#include <gmock/gmock.h>

#include "copas/http/error.hpp"

namespace copas::http {
namespace {

using namespace std::string_view_literals;

TEST(Fields, AreFoundWithoutCaseAndJoined) {
  fields some;
  some.add("A", "1");
  some.add("b", "2");
  some.add("a", "3");

  EXPECT_EQ(some.get("a"), "1, 3");
  EXPECT_EQ(some.get("B"), "2");
  EXPECT_FALSE(some.get("c"));
  some.set("A", "4");
  EXPECT_EQ(some.get("a"), "4");
}

TEST(Fields, KnowTheElementsOfAList) {
  fields some;
  some.add("connection", "TE ,Close");

  EXPECT_TRUE(some.lists("Connection", "close"));
  EXPECT_TRUE(some.lists("connection", "te"));
  EXPECT_FALSE(some.lists("connection", "keep-alive"));
}

TEST(RequestLine, IsWrittenIfNothingInItCanEndIt) {
  std::string head;

  EXPECT_FALSE(append_request_line(head, "GET", "/x"));
  EXPECT_EQ(head, "GET /x HTTP/1.1\r\n");
  EXPECT_EQ(append_request_line(head, "GET /", "/x"), make_error_code(error::invalid_method));
  EXPECT_EQ(append_request_line(head, "", "/x"), make_error_code(error::invalid_method));
  EXPECT_EQ(append_request_line(head, "GET", ""), make_error_code(error::invalid_target));
  EXPECT_EQ(append_request_line(head, "GET", "/x y"), make_error_code(error::invalid_target));
  EXPECT_EQ(append_request_line(head, "GET", "/x\0"sv), make_error_code(error::invalid_target));
  EXPECT_EQ(head, "GET /x HTTP/1.1\r\n");
}

TEST(FieldLine, IsWrittenIfNothingInItCanEndIt) {
  std::string head;

  EXPECT_FALSE(append_field(head, "x-a", "b\tc \xe4"));
  EXPECT_EQ(head, "x-a: b\tc \xe4\r\n");
  for (const auto name : {""sv, "a b"sv, "a:"sv, "a\n"sv, "a\0"sv, "\xe4"sv}) {
    EXPECT_EQ(append_field(head, name, "x"), make_error_code(error::invalid_field_name));
  }
  for (const auto value : {"a\r\nb: c"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, "\x7f"sv}) {
    EXPECT_EQ(append_field(head, "a", value), make_error_code(error::invalid_field_value));
  }
  EXPECT_EQ(head, "x-a: b\tc \xe4\r\n");
}

TEST(Chunk, HasItsSizeInFront) {
  std::string body;
  append_chunk(body, "0123456789abcdefg");

  EXPECT_EQ(body, "11\r\n0123456789abcdefg\r\n");
}

TEST(BasicCredentials, AreInBase64) {  // RFC 7617 section 2, RFC 4648 section 10
  EXPECT_EQ(basic_credentials("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic_credentials("", ""), "Basic Og==");
  EXPECT_EQ(basic_credentials("fo", "ob"), "Basic Zm86b2I=");
  EXPECT_EQ(basic_credentials("f", "o"), "Basic Zjpv");
}

}  // namespace
}  // namespace copas::http
