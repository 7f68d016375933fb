// Sockets when the descriptors have run out.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>

#include "copas/net/tcp.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace copas::testing;

// Allows no descriptor beyond those of the standard streams, which leaves those that are open as they are.
class OpenSocket : public virtual_loop_test {
 protected:
  OpenSocket() {
    ::getrlimit(RLIMIT_NOFILE, &allowed_);
    const rlimit none{.rlim_cur = 3, .rlim_max = allowed_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~OpenSocket() override { allow(); }

  void allow() const { ::setrlimit(RLIMIT_NOFILE, &allowed_); }

 private:
  rlimit allowed_{};
};

TEST_F(OpenSocket, LetsItsLoopFreeDescriptorsBeforeItFails) {
  events.on_descriptor_shortage = [&] {
    allow();
    return true;
  };

  EXPECT_TRUE(open_tcp(family::inet4, &events));
}

TEST_F(OpenSocket, FailsWhenFreeingDidNotHelp) {
  int asked = 0;
  events.on_descriptor_shortage = [&] { return ++asked > 0; };

  const auto fd = open_tcp(family::inet4, &events);

  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error(), system_error(EMFILE));
  EXPECT_EQ(asked, 1);
}

TEST_F(OpenSocket, FailsWhenNobodyCanFreeAny) {
  EXPECT_EQ(open_tcp(family::inet4, &events).error(), system_error(EMFILE));
  EXPECT_EQ(open_tcp(family::inet4).error(), system_error(EMFILE));
}

}  // namespace
}  // namespace copas
