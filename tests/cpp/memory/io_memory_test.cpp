#include <gmock/gmock.h>

#include <span>
#include <string>
#include <system_error>
#include <thread>

#include "copas/io/stream.hpp"
#include "copas/io/system_reactor.hpp"
#include "scarce_memory.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace copas::testing;

TEST(SendWithoutMemory, TellsWhatTheSystemTookWhereTheRestWouldHaveToWait) {
  // A thread of its own has no block of memory left from others.
  const std::jthread sender{[] {
    loop events{system_reactor()};
    connection narrow{make_narrow_connection()};
    const std::string bytes(3'000'000, 'x');
    transfer sent;
    auto body = [&]() -> task<> {
      sent = co_await send_awaitable{&events, narrow.ours, std::as_bytes(std::span{bytes})};
    };
    events.spawn(body());
    {
      const scarce_memory memory{0};
      events.turn();
      EXPECT_TRUE(memory.ran_out());
    }

    EXPECT_EQ(sent.error, std::errc::not_enough_memory);
    EXPECT_GT(sent.bytes, 0U);
    narrow.ours->close();
    EXPECT_EQ(narrow.theirs.receive_all().size(), sent.bytes);
  }};
}

}  // namespace
}  // namespace copas
