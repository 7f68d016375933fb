#include "copas/io/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "support/allocation_counter.hpp"

namespace copas {
namespace {

std::string_view content(read_buffer& buffer) { return {buffer.bytes().data(), buffer.size()}; }

void fill(read_buffer& buffer, std::string_view bytes) {
  std::memcpy(buffer.space().data(), bytes.data(), bytes.size());
  buffer.commit(bytes.size());
}

TEST(ReadBuffer, IsEmptyAtFirst) {
  read_buffer buffer;

  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_TRUE(buffer.bytes().empty());
}

TEST(ReadBuffer, HoldsWhatWasCommitted) {
  read_buffer buffer;
  EXPECT_GE(buffer.space().size(), read_buffer::block_size);

  fill(buffer, "hello");

  EXPECT_EQ(content(buffer), "hello");
}

TEST(ReadBuffer, DropsWhatIsConsumed) {
  read_buffer buffer;
  fill(buffer, "hello");

  buffer.consume(2);
  EXPECT_EQ(content(buffer), "llo");
  buffer.consume(3);

  EXPECT_TRUE(buffer.empty());
}

TEST(ReadBuffer, KeepsTheMemoryOfConsumedBytesUntilItRelaxes) {
  read_buffer buffer;
  fill(buffer, "hello");
  const char* const bytes = buffer.bytes().data();

  buffer.consume(5);

  EXPECT_EQ(std::string_view(bytes, 5), "hello");
  buffer.relax();
}

TEST(ReadBuffer, IsEmptyAfterItsMemoryWasTaken) {
  read_buffer buffer;
  fill(buffer, "hello");

  const block taken = buffer.detach();

  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(std::memcmp(taken.get(), "hello", 5), 0);
}

TEST(ReadBuffer, PutsBytesBackInFrontOfItsOwn) {
  read_buffer buffer;
  fill(buffer, "world");

  buffer.prepend("hello ");

  EXPECT_EQ(content(buffer), "hello world");
}

TEST(ReadBuffer, PutsBytesBackWhereConsumedOnesWere) {
  read_buffer buffer;
  fill(buffer, "hello world");
  const char* const start = buffer.bytes().data();
  buffer.consume(6);

  buffer.prepend("HELLO ");

  EXPECT_EQ(content(buffer), "HELLO world");
  EXPECT_EQ(buffer.bytes().data(), start);
}

TEST(ReadBuffer, PutsBytesBackIntoNothing) {
  read_buffer buffer;

  buffer.prepend("hello");

  EXPECT_EQ(content(buffer), "hello");
}

TEST(ReadBuffer, PutsBackNoBytesByDoingNothing) {
  read_buffer buffer;

  buffer.prepend("");

  EXPECT_TRUE(buffer.empty());
}

TEST(ReadBuffer, PutsBackMoreThanABlockHolds) {
  read_buffer buffer;
  fill(buffer, "end");
  const std::string large(5 * read_buffer::block_size, 'x');

  buffer.prepend(large);

  EXPECT_EQ(content(buffer), large + "end");
}

TEST(ReadBuffer, PutsBytesBackAgainAndAgain) {
  read_buffer buffer;
  std::string expected;
  for (int round = 0; round < 200; ++round) {
    const std::string added(static_cast<std::size_t>(round) * 37 % 1000, static_cast<char>('a' + round % 26));
    buffer.prepend(added);
    expected.insert(0, added);
  }

  EXPECT_EQ(content(buffer), expected);
}

TEST(ReadBuffer, CanBeFilledAgainAfterALargeAmountWasPutBack) {
  read_buffer buffer;
  buffer.prepend(std::string(5 * read_buffer::block_size, 'x'));
  buffer.consume(buffer.size());

  fill(buffer, "small");

  EXPECT_EQ(content(buffer), "small");
}

#if COPAS_HAS_MEMORY_POOLS
TEST(ReadBuffer, UsesTheBlockThatWasGivenBackLast) {
  read_buffer first;
  fill(first, "hello");
  const char* const block = first.bytes().data();
  first.clear();

  read_buffer second;
  fill(second, "world");

  EXPECT_EQ(second.bytes().data(), block);
}

TEST(ReadBuffer, HoldsNoMemoryWhileItIsEmpty) {
  read_buffer first;
  static_cast<void>(first.space());
  first.commit(0);
  const std::size_t before = copas::testing::allocations();

  read_buffer second;
  fill(second, "x");
  second.consume(1);
  second.relax();
  read_buffer third;
  fill(third, "x");

  EXPECT_EQ(copas::testing::allocations(), before);
}
#endif

}  // namespace
}  // namespace copas
