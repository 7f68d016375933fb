// Decompression, by the reader of responses.
#include <gmock/gmock.h>

#include <string>

#include "copas/http/error.hpp"
#include "copas/http/reader.hpp"

namespace copas::http {
namespace {

using namespace std::string_literals;

// "hello hello hello", compressed in advance.
const std::string gzip =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x00\x80\x88\xf9\xe5\x11\x00\x00\x00"s;
const std::string deflate = "\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x00\x3a\x2e\x06\x7d"s;
const std::string raw_deflate = deflate.substr(2, deflate.size() - 6);
const std::string text = "hello hello hello";

struct reading {
  std::string body;
  bool complete = false;
};

reading read(response_reader& reader, const std::string& coding, const std::string& content, std::size_t piece) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: " + coding +
                            "\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
  reading got;
  for (std::size_t offset = 0;;) {
    const response_step step = reader.feed(std::string_view{bytes}.substr(offset, piece));
    offset += step.taken;
    got.body += step.piece;
    got.complete = step.what == response_event::end;
    if (step.what == response_event::end || step.what == response_event::failed) return got;
  }
}

class Decompression : public ::testing::TestWithParam<std::size_t> {
 protected:
  response_reader reader{{}, {.decompresses = true}};
};
INSTANTIATE_TEST_SUITE_P(Pieces, Decompression, ::testing::Values(1, 5, 100000));

TEST_P(Decompression, UndoesGzipAndDeflate) {
  for (const auto& [coding, content] :
       {std::pair{"gzip"s, gzip}, {"x-gzip"s, gzip}, {"Deflate"s, deflate}, {"deflate"s, raw_deflate}}) {
    reader = response_reader{{}, {.decompresses = true}};
    const reading got = read(reader, coding, content, GetParam());
    EXPECT_TRUE(got.complete) << coding;
    EXPECT_EQ(got.body, text) << coding;
    EXPECT_FALSE(reader.parser().headers().has("content-encoding"));
    EXPECT_FALSE(reader.parser().headers().has("content-length"));
  }
}

TEST_P(Decompression, JoinsMembersOfGzip) {
  EXPECT_EQ(read(reader, "gzip", gzip + gzip, GetParam()).body, text + text);
}

TEST_P(Decompression, LeavesOtherCodingsAlone) {
  EXPECT_EQ(read(reader, "br", "whatever", GetParam()).body, "whatever");
  EXPECT_EQ(reader.parser().headers().get("content-encoding"), "br");
}

TEST_P(Decompression, HappensOnlyIfItIsWanted) {
  reader = response_reader{};
  EXPECT_EQ(read(reader, "gzip", gzip, GetParam()).body, gzip);
}

TEST_P(Decompression, TakesAnEmptyBodyForWhatItIs) { EXPECT_TRUE(read(reader, "gzip", "", GetParam()).complete); }

TEST_P(Decompression, TellsWhatIsMalformedOrCutOff) {
  for (const std::string& content : {gzip.substr(0, 20), "nonsense"s, gzip + "x"}) {
    reader = response_reader{{}, {.decompresses = true}};
    EXPECT_FALSE(read(reader, "gzip", content, GetParam()).complete);
    EXPECT_EQ(reader.failure(), make_error_code(error::malformed_content));
  }
}

TEST_P(Decompression, EndsAtTheLimitOfTheBody) {
  reader = response_reader{{}, {.decompresses = true, .most_body = 16}};
  read(reader, "gzip", gzip, GetParam());
  EXPECT_EQ(reader.failure(), make_error_code(error::body_too_large));
  reader = response_reader{{}, {.most_body = 3}};
  read(reader, "identity", "abcd", GetParam());
  EXPECT_EQ(reader.failure(), make_error_code(error::body_too_large));
}

}  // namespace
}  // namespace copas::http
