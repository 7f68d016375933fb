#include "copas/http/reader.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

namespace copas::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// The pieces of a body, whose response comes so many bytes at a time.
std::vector<std::string> pieces(const std::string& body, std::size_t step, body_rules rules = {.whole_chunks = true}) {
  response_reader reader{{}, rules};
  const std::string response = std::string{head} + body;
  std::string_view left = response;
  std::vector<std::string> got;
  while (!reader.parser().complete() && !reader.failure()) {
    const response_step taken = reader.feed(left.substr(0, step));
    left.remove_prefix(taken.taken);
    if (taken.what == response_event::body) got.emplace_back(taken.piece);
    if (taken.what == response_event::more && left.empty()) static_cast<void>(reader.finish());
  }
  return got;
}

class Chunks : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Chunks, AreOnePieceEach) {
  EXPECT_THAT(pieces("1\r\na\r\n5;x\r\nbcdef\r\n2\r\ngh\r\n0\r\nA: b\r\n\r\n", GetParam()),
              ElementsAre("a", "bcdef", "gh"));
}

TEST_P(Chunks, AreNotDeliveredIfTheyAreCutOff) {
  EXPECT_THAT(pieces("1\r\na\r\n5\r\nbcd", GetParam()), ElementsAre("a"));
}

TEST_P(Chunks, EndAtTheLimitOfTheBody) {
  EXPECT_THAT(pieces("5\r\nabcde\r\n0\r\n\r\n", GetParam(), {.most_body = 4, .whole_chunks = true}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(InPieces, Chunks, ::testing::Values(1, 2, 3, 7, 1000));

TEST(LargeChunk, ComesInPartsRatherThanWaitingForAllOfIt) {
  const std::string most(std::size_t{16} << 20U, 'x');
  const auto got = pieces("1000000\r\n" + most + "\r\n1000001\r\n" + most + "x\r\n1\r\na\r\n0\r\n\r\n", 1U << 20U);

  ASSERT_THAT(got, SizeIs(::testing::Gt(10)));
  EXPECT_EQ(got.front(), most);
  EXPECT_LE(got[1].size(), std::size_t{1} << 20U);
  EXPECT_EQ(got.back(), "a");
}

}  // namespace
}  // namespace copas::http
