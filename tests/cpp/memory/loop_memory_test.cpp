#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/scope.hpp"
#include "copas/io/system_reactor.hpp"
#include "scarce_memory.hpp"
#include "support/peer.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::ElementsAre;

class LoopWithoutMemory : public ::testing::Test {
 public:
  loop events{system_reactor()};
};

TEST_F(LoopWithoutMemory, KeepsPostedJobsBehindOneThatThrows) {
  std::vector<int> log;
  log.reserve(2);
  events.post([] { throw 1; });
  for (const int each : {2, 3}) events.post([&log, each] { log.push_back(each); });

  {
    const scarce_memory none{0};
    EXPECT_THROW(events.run(), int);
  }
  events.run();

  EXPECT_THAT(log, ElementsAre(2, 3));
}

TEST_F(LoopWithoutMemory, SaysThatItCannotWatchADescriptor) {
  const connected_pair ends = make_connection();
  std::error_code refused;

  {
    const scarce_memory none{0};
    refused = events.io().watch(ends.ours.get(), 7);
  }

  EXPECT_EQ(refused, system_error(ENOMEM));
  EXPECT_FALSE(events.io().watch(ends.ours.get(), 7));
}

TEST_F(LoopWithoutMemory, ClosesAStreamWhoseBytesCannotBePutBack) {
  connection wire;
  {
    scope reading{events};
    auto body = [](loop& home, ref<stream> from) -> task<> {
      co_await receive_operation{&home, std::move(from), line};
    };
    reading.spawn(body(events, wire.ours));
    wire.theirs.send(std::string(3 * read_buffer::block_size, 'x'));  // more than a block that may be in the pool
    settle(events);

    const scarce_memory none{0};
    reading.cancel();
  }

  EXPECT_EQ(run(events, receive(events, wire.ours, line)), failed(errc::closed));
}

}  // namespace
}  // namespace copas
