#include "copas/net/options.hpp"

#include <gmock/gmock.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <string>

#include "copas/io/system_reactor.hpp"
#include "copas/net/tcp.hpp"
#include "copas/net/udp.hpp"
#include "support/datagram_peer.hpp"
#include "support/peer.hpp"
#include "support/run.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::Ge;

class Options : public ::testing::Test {
 public:
  loop events{system_reactor()};
  udp_socket datagrams = udp_socket::bind(events, "127.0.0.1", 0).value();
  const address group = address::parse("239.255.7.9", 0).value();
  const unsigned loopback = ::if_nametoindex("lo");
};

class StreamOptions : public ::testing::Test {
 public:
  loop events{system_reactor()};
  connected_pair ends = make_connection();
  tcp_stream ours{events, std::move(ends.ours)};
};

TEST_F(StreamOptions, AreSwitchedOnAndOff) {
  for (const bool wanted : {true, false}) {
    EXPECT_TRUE(ours.set_option(option::no_delay, wanted));
    EXPECT_EQ(ours.get_option(option::no_delay), wanted);
  }
}

TEST_F(StreamOptions, HaveTimesInTheirUnit) {
  EXPECT_TRUE(ours.set_option(option::keep_alive_idle, 90s));
  EXPECT_EQ(ours.get_option(option::keep_alive_idle), 90s);
  EXPECT_TRUE(ours.set_option(option::user_timeout, 1500ms));
  EXPECT_EQ(ours.get_option(option::user_timeout), 1500ms);
}

TEST_F(StreamOptions, HaveNumbers) {
  EXPECT_TRUE(ours.set_option(option::keep_alive_probes, 4));
  EXPECT_EQ(ours.get_option(option::keep_alive_probes), 4);
  EXPECT_TRUE(ours.set_option(option::send_buffer, 50'000));
  EXPECT_THAT(ours.get_option(option::send_buffer).value(), Ge(50'000));
}

TEST_F(StreamOptions, LingerForATimeOrAsLongAsItTakes) {
  EXPECT_EQ(ours.get_option(option::linger), std::nullopt);
  EXPECT_TRUE(ours.set_option(option::linger, 7s));
  EXPECT_EQ(ours.get_option(option::linger), 7s);
  EXPECT_TRUE(ours.set_option(option::linger, std::nullopt));
  EXPECT_EQ(ours.get_option(option::linger), std::nullopt);
}

TEST_F(StreamOptions, LingerForNoTimeResetsTheConnection) {
  EXPECT_TRUE(ours.set_option(option::linger, 0s));
  ours.close();

  char byte = 0;
  EXPECT_EQ(::recv(ends.theirs.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(StreamOptions, OfAnotherProtocolAreRefused) {
  EXPECT_EQ(ours.set_option(socket_option<int>{IPPROTO_UDP, 1}, 1).error(), system_error(ENOPROTOOPT));
  EXPECT_FALSE(ours.get_option(socket_option<int>{IPPROTO_UDP, 1}));
}

TEST_F(StreamOptions, OfAClosedOneAreRefused) {
  ours.close();

  EXPECT_EQ(ours.set_option(option::no_delay, true).error(), system_error(EBADF));
  EXPECT_EQ(ours.get_option(option::no_delay).error(), system_error(EBADF));
}

TEST_F(Options, OfListenersLetThemShareAPort) {
  auto first = tcp_listener::bind(events, "127.0.0.1", 0, {.reuse_port = true}).value();
  const auto at = *first.local();

  EXPECT_EQ(first.get_option(option::reuse_port), true);
  EXPECT_TRUE(tcp_listener::bind(events, at, {.reuse_port = true}));
  EXPECT_FALSE(tcp_listener::bind(events, at));
}

TEST_F(Options, OfUdpSocketsLetThemShareAPort) {
  const auto addresses = udp_socket::bind(events, "127.0.0.1", 0, {.reuse_address = true}).value();
  EXPECT_TRUE(udp_socket::bind(events, *addresses.local(), {.reuse_address = true}));

  const auto ports = udp_socket::bind(events, "127.0.0.1", 0, {.reuse_port = true}).value();
  EXPECT_TRUE(udp_socket::bind(events, *ports.local(), {.reuse_port = true}));

  EXPECT_FALSE(udp_socket::bind(events, *datagrams.local()));
}

TEST_F(Options, TheSystemHasAreUsedWithItsOwnTypes) {
  constexpr socket_option<in_addr> multicast_network{IPPROTO_IP, IP_MULTICAST_IF};

  EXPECT_TRUE(datagrams.set_option(multicast_network, {htonl(INADDR_LOOPBACK)}));
  EXPECT_EQ(datagrams.get_option(multicast_network)->s_addr, htonl(INADDR_LOOPBACK));
}

TEST_F(Options, GroupsAreJoinedOnceAndLeft) {
  EXPECT_TRUE(datagrams.join_group(group, loopback));
  EXPECT_EQ(datagrams.join_group(group, loopback).error(), system_error(EADDRINUSE));
  EXPECT_TRUE(datagrams.leave_group(group, loopback));
  EXPECT_EQ(datagrams.leave_group(group, loopback).error(), system_error(EADDRNOTAVAIL));
}

TEST_F(Options, OnlyAddressesOfGroupsAreJoined) {
  EXPECT_EQ(datagrams.join_group(address::parse("127.0.0.1", 0).value(), loopback).error(), system_error(EINVAL));
  EXPECT_EQ(datagrams.join_group(address::parse("::1", 0).value(), loopback).error(), system_error(ENOPROTOOPT));
  EXPECT_EQ(datagrams.join_group(group, 1'000'000).error(), system_error(ENODEV));
}

TEST_F(Options, GroupsOfIPv6AreJoinedByItsSockets) {
  auto sixth = udp_socket::open(events, family::inet6);
  if (!sixth) GTEST_SKIP() << "no IPv6 here: " << sixth.error().message();
  const address all = address::parse("ff01::7:9", 0).value();

  EXPECT_TRUE(sixth->join_group(all, loopback));
  EXPECT_TRUE(sixth->leave_group(all, loopback));
}

TEST_F(Options, AMemberOfAGroupReceivesWhatIsSentToIt) {
  auto member = udp_socket::bind(events, "239.255.7.9", 0).value();
  ASSERT_TRUE(member.join_group(group, loopback));
  datagrams.set_option(socket_option<in_addr>{IPPROTO_IP, IP_MULTICAST_IF}, {htonl(INADDR_LOOPBACK)});
  std::array<std::byte, 100> space{};
  auto body = [&]() -> task<std::string> {
    const transfer sent = co_await datagrams.send_to("to all", *member.local());
    EXPECT_FALSE(sent.error) << sent.error.message();
    const auto got = co_await member.receive_from(space);
    EXPECT_EQ(got.sender, *datagrams.local());
    co_return std::string{reinterpret_cast<const char*>(space.data()), got.bytes};
  };

  EXPECT_EQ(run(events, body()), "to all");
}

}  // namespace
}  // namespace copas
