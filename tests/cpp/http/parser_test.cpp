#include "copas/http/parser.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "copas/core/result.hpp"
#include "copas/http/error.hpp"
#include "fuzz/check_response.hpp"

namespace copas::http {
namespace {

// What a response came to.
struct outcome {
  bool complete = false;
  int status = 0;
  std::string body;
  std::string failure;
  std::size_t left = 0;  // bytes behind it
};

// Gives a parser a response, so many bytes at a time, and the end of the connection if it wants more.
outcome parse(response_parser& parser, std::string_view bytes, std::size_t step) {
  outcome got;
  while (true) {
    const response_step taken = parser.feed(bytes.substr(0, std::min(step, bytes.size())));
    bytes.remove_prefix(taken.taken);
    got.body += taken.piece;
    const bool over = taken.what == response_event::end || taken.what == response_event::failed;
    if (taken.what == response_event::more && taken.taken == 0 && bytes.empty()) {
      got.complete = parser.finish().what == response_event::end;
    }
    if (over) got.complete = taken.what == response_event::end;
    if (over || (taken.what == response_event::more && taken.taken == 0 && bytes.empty())) break;
  }
  got.status = parser.status();
  got.failure = parser.failure_text();
  got.left = bytes.size();
  return got;
}

class Parser : public ::testing::TestWithParam<std::size_t> {
 protected:
  outcome parse(std::string_view bytes, response_rules rules = {}) {
    parser = response_parser{rules};
    return http::parse(parser, bytes, GetParam());
  }
  void expect_failure(std::string_view bytes, error why, std::string_view text) {
    const outcome got = parse(bytes);
    EXPECT_FALSE(got.complete) << bytes;
    EXPECT_EQ(parser.failure(), make_error_code(why)) << bytes;
    EXPECT_EQ(got.failure, text) << bytes;
    EXPECT_FALSE(parser.keeps_connection());
  }

  response_parser parser;
};
INSTANTIATE_TEST_SUITE_P(Pieces, Parser, ::testing::Values(1, 2, 7, 100000),
                         [](const auto& which) { return "Of" + std::to_string(which.param); });

TEST_P(Parser, GivesStatusHeadersAndBody) {
  const outcome got = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello");

  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(parser.status(), 200);
  EXPECT_EQ(parser.status_line(), "HTTP/1.1 200 OK");
  EXPECT_EQ(parser.headers().get("x-a"), "b");
  EXPECT_EQ(parser.headers().get("content-length"), "5");
  EXPECT_EQ(parser.headers().size(), 2U);
  EXPECT_TRUE(parser.keeps_connection());
}

TEST_P(Parser, LeavesWhatFollowsTheResponse) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP").left, 4U);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP").left, 4U);
  EXPECT_EQ(parse("HTTP/1.1 204 No\r\n\r\nHTTP").left, 4U);
}

TEST_P(Parser, UndoesChunks) {
  const outcome got = parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3;x=\"y\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 5\r\nX-Sum: 6\r\n\r\n");

  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.body, "abc0123456789");
  EXPECT_EQ(parser.headers().get("x-sum"), "5, 6");
  EXPECT_TRUE(parser.keeps_connection());
}

TEST_P(Parser, GoesOnUntilTheEndOfTheConnectionIfNothingElseIsSaid) {
  const outcome got = parse("HTTP/1.1 200 OK\r\n\r\nabc");

  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.body, "abc");
  EXPECT_FALSE(parser.keeps_connection());
}

TEST_P(Parser, KnowsWhichResponsesHaveNoBody) {
  for (const char* status : {"100 Continue", "103 Early Hints", "204 No", "304 No"}) {
    const outcome got = parse(std::string{"HTTP/1.1 "} + status + "\r\nContent-Length: 5, 6\r\n\r\nabc");
    EXPECT_TRUE(got.complete);
    EXPECT_EQ(got.left, 3U);
  }
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc", {.answers_head = true}).left, 3U);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc", {.answers_connect = true}).left, 3U);
  EXPECT_FALSE(parse("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nabc", {.answers_connect = true}).complete);
}

TEST_P(Parser, AcceptsLinesThatEndWithLineFeedAloneAndFoldedOnes) {
  const outcome got = parse("HTTP/1.1 200 OK\nA: 1\nB: a\n  b\nA: 2\nContent-Length: 2\n\nab");

  EXPECT_TRUE(got.complete);
  EXPECT_EQ(parser.headers().get("a"), "1, 2");
  EXPECT_EQ(parser.headers().get("b"), "a  b");
}

TEST_P(Parser, CountsLengthsThatAreTheSameAsOne) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nabc").body, "ab");
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nabc").body, "ab");
}

TEST_P(Parser, IgnoresTheCodingIdentity) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nabc").body, "ab");
}

TEST_P(Parser, RefusesABodyWhoseEndIsInDoubt) {
  const auto with = [](std::string_view fields) { return "HTTP/1.1 200 OK\r\n" + std::string{fields} + "\r\n\r\nabc"; };
  using enum error;
  expect_failure(with("Content-Length: 1\r\nContent-Length: 2"), invalid_content_length,
                 "invalid content-length '1, 2'");
  for (const std::string value : {"-1", "+1", "1x", "0x1", "1 2", "1,", "", "1\t1", "99999999999999999999"}) {
    expect_failure(with("Content-Length: " + value), invalid_content_length, "invalid content-length '" + value + "'");
  }
  expect_failure(with("Content-Length:\r\n 1\r\n 2"), invalid_content_length, "invalid content-length '1 2'");
  expect_failure(with("Transfer-Encoding: chunked\r\nContent-Length: 3"), conflicting_lengths,
                 "both content-length and transfer-encoding");
  for (const std::string value :
       {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked", "chunked,", "\"chunked\""}) {
    expect_failure(with("Transfer-Encoding: " + value), unsupported_transfer_encoding,
                   "unsupported transfer-encoding '" + value + "'");
  }
  expect_failure(with("Transfer-Encoding : chunked"), malformed_headers, "malformed reponse headers");
  expect_failure(with("Content-Length : 3"), malformed_headers, "malformed reponse headers");
}

TEST_P(Parser, RefusesMalformedHeads) {
  using enum error;
  for (const char* head : {"HTTP/1.1 nothing", "HTTP/1.1 20", "HTTP/1.1 2000 x", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK",
                           "HTTP/11 200 OK", "HTTP/1.x 200 OK", "HTTP/ 200", "HTTP/1.1 099 x"}) {
    expect_failure(std::string{head} + "\r\n\r\n", malformed_status_line, head);
  }
  for (const char* line : {"nothing", ": x", " : x", "a b: c", "a b : c", " a: b"}) {
    expect_failure(std::string{"HTTP/1.1 200 OK\r\n"} + line + "\r\n\r\n", malformed_headers,
                   "malformed reponse headers");
  }
}

TEST_P(Parser, AcceptsBlanksInFrontOfTheColon) {
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nA : b\r\nC \t:d\r\nContent-Length: 0\r\n\r\n").complete);

  EXPECT_EQ(parser.headers().get("a"), "b");
  EXPECT_EQ(parser.headers().get("c"), "d");
}

TEST_P(Parser, AcceptsControlCharactersInValuesAndMakesBlanksOfCrAndNul) {
  EXPECT_TRUE(parse(std::string_view{"HTTP/1.1 200 OK\r\nA: b\1\x7f\rc\0d\r\nContent-Length: 0\r\n\r\n", 50}).complete);

  EXPECT_EQ(parser.headers().get("a"), "b\1\x7f c d");
}

TEST_P(Parser, RefusesMalformedChunks) {
  for (const char* body :
       {"xyz\r\n", "1\r\nabc\r\n", "-1\r\n", "1 2\r\na\r\n", "1 x\r\na\r\n", " 1\r\na\r\n", "1 \na\n", "1\na\n0\n\n",
        "\r\n", "0x1\r\na\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n", "1\r\na\n0\r\n\r\n", "1;\rx\r\na\r\n0\r\n\r\n"}) {
    const outcome got = parse(std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"} + body);
    EXPECT_FALSE(got.complete) << body;
    EXPECT_EQ(parser.failure(), make_error_code(error::invalid_chunk)) << body;
  }
}

TEST_P(Parser, AcceptsBlanksBehindTheSizeOfAChunk) {
  const outcome got = parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2  \r\nab\r\n00A \t;x=y\r\n0123456789\r\n0 \r\nA: b\r\n\r\n");

  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.body, "ab0123456789");
  EXPECT_EQ(parser.headers().get("a"), "b");
}

TEST_P(Parser, RefusesMalformedTrailers) {
  const outcome got = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nnothing\r\n\r\n");

  EXPECT_FALSE(got.complete);
  EXPECT_EQ(parser.failure(), make_error_code(error::malformed_headers));
}

TEST_P(Parser, TellsAnEarlyEnd) {
  for (const char* part :
       {"", "HT", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"}) {
    EXPECT_FALSE(parse(part).complete) << part;
    EXPECT_EQ(parser.failure(), errc::closed) << part;
  }
}

TEST_P(Parser, LimitsTheHeadAndTheTrailers) {
  const std::string many(3000, 'x');
  parse("HTTP/1.1 200 OK\r\nA: " + many + "\r\n\r\n", {.most_head = 2000});
  EXPECT_EQ(parser.failure(), make_error_code(error::headers_too_large));

  std::string trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  for (int count = 0; count < 2000; ++count) trailers += "A: " + many + "\r\n";
  parse(trailers, {.most_head = 2000});
  EXPECT_EQ(parser.failure(), make_error_code(error::headers_too_large));
}

TEST_P(Parser, KeepsTheConnectionIfBothSidesWantIt) {
  const auto keeps = [this](std::string_view head) {
    parse(std::string{head} + "\r\nContent-Length: 0\r\n\r\n");
    return parser.keeps_connection();
  };

  EXPECT_TRUE(keeps("HTTP/1.1 200 OK"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: x, Close"));
  EXPECT_FALSE(keeps("HTTP/1.0 200 OK"));
  EXPECT_TRUE(keeps("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"));
  EXPECT_FALSE(keeps("HTTP/2.0 200 OK"));
  EXPECT_FALSE(keeps("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x"));
}

TEST_P(Parser, TakesWhatIsNotHttpForABodyOnlyIfItIsToldTo) {
  EXPECT_FALSE(parse("SSH-2.0-x\r\n").complete);
  EXPECT_EQ(parser.failure(), make_error_code(error::not_http));
  const outcome got = parse("SSH-2.0-x\r\n", {.accepts_http09 = true});
  EXPECT_TRUE(got.complete);
  EXPECT_EQ(got.body, "SSH-2.0-x\r\n");
  EXPECT_EQ(got.status, 0);
}

TEST_P(Parser, GoesOnBehindAResponseThatIsNotTheLast) {
  const std::string_view second = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  const outcome first = parse("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + std::string{second});
  EXPECT_EQ(first.status, 100);
  EXPECT_EQ(first.left, second.size());
  parser.restart();
  EXPECT_EQ(http::parse(parser, second, GetParam()).body, "x");
  EXPECT_FALSE(parser.headers().has("a"));
}

TEST(ParserExpectation, IsALineANumberOfBytesOrAnything) {
  using kind = expectation::kind;
  response_parser parser;
  EXPECT_EQ(parser.wanted().what, kind::start);
  static_cast<void>(parser.feed("HTTP/"));
  EXPECT_EQ(parser.wanted().what, kind::line);
  static_cast<void>(parser.feed("1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_EQ(parser.wanted().what, kind::line);
  static_cast<void>(parser.feed("5\r\n"));
  EXPECT_EQ(parser.wanted().what, kind::bytes);
  EXPECT_EQ(parser.wanted().count, 5U);
  static_cast<void>(parser.feed("ab"));
  EXPECT_EQ(parser.wanted().count, 3U);
  static_cast<void>(parser.feed("cde"));
  EXPECT_EQ(parser.wanted().what, kind::line);
  static_cast<void>(parser.feed("\r\n0\r\n\r\n"));
  EXPECT_EQ(parser.wanted().what, kind::nothing);
}

// What fuzzing has found, or started from, stays right.
TEST(ParserSeeds, AreTakenAlikeWhateverThePieces) {
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator{COPAS_FUZZ_SEEDS}) {
    std::ifstream file{each.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(fuzz::check_response(bytes), "") << each.path();
    ++count;
  }
  EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace copas::http
