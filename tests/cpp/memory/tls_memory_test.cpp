#include <gmock/gmock.h>

#include <new>
#include <optional>
#include <string>

#include "copas/core/scope.hpp"
#include "cpp/tls/tls_test.hpp"
#include "scarce_memory.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class TlsWithoutMemory : public tls_test {};
INSTANTIATE_TEST_SUITE_P(Worlds, TlsWithoutMemory, ::testing::Values(world::plain), name_of_world);

TEST_P(TlsWithoutMemory, ContextsAreMadeOrNot) {
  const tls::parameters wanted = client_parameters();

  const long count = fail_each_allocation([&](long left) {
    const scarce_memory memory{left};
    try {
      EXPECT_TRUE(tls::make_context(wanted));
    } catch (const std::bad_alloc&) {
    }
    return memory.ran_out();
  });

  EXPECT_GT(count, 0);
}

TEST_P(TlsWithoutMemory, TheNameIsVerifiedWhicheverAllocationFails) {
  const tls::context_ptr client = client_context();
  const tls::context_ptr server = server_context();

  const long count = fail_each_allocation([&](long left) {
    auto [near, far] = plain_pair();
    std::optional<result<tls_stream>> ours;
    std::optional<result<tls_stream>> theirs;
    auto secure = [this](tls::context_ptr by, tcp_stream plain, std::optional<std::string> host,
                         std::optional<result<tls_stream>>& into) -> task<> {
      into.emplace(co_await tls::secure(events, std::move(by), std::move(plain), std::move(host)));
    };
    scope shaking{events};
    bool ran_out = false;
    {
      const scarce_memory memory{left};
      try {
        shaking.spawn(secure(client, std::move(near), "other.example", ours));
        shaking.spawn(secure(server, std::move(far), {}, theirs));
        settle(events);
      } catch (const std::bad_alloc&) {
      }
      ran_out = memory.ran_out();
    }
    EXPECT_FALSE(ours && *ours) << left;
    return ran_out;
  });

  EXPECT_GT(count, 10);
  EXPECT_TRUE(shake_hands(client, server).good());
}

}  // namespace
}  // namespace copas
