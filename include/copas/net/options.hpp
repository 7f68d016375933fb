#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>

#include "copas/io/option.hpp"

/// Options for `set_option` and `get_option` of sockets and listeners. @see socket(7), ip(7), ipv6(7), tcp(7)
namespace copas::option {

using seconds = std::chrono::duration<int>;
using milliseconds = std::chrono::duration<int, std::milli>;

// Every socket.
inline constexpr socket_option<bool> reuse_address{SOL_SOCKET, SO_REUSEADDR};
inline constexpr socket_option<bool> reuse_port{SOL_SOCKET, SO_REUSEPORT};
inline constexpr socket_option<int> receive_buffer{SOL_SOCKET, SO_RCVBUF};  ///< bytes; the system doubles what is set
inline constexpr socket_option<int> send_buffer{SOL_SOCKET, SO_SNDBUF};  ///< bytes; the system doubles what is set
inline constexpr socket_option<bool> only_ipv6{IPPROTO_IPV6, IPV6_V6ONLY};

// TCP.
inline constexpr socket_option<bool> no_delay{IPPROTO_TCP, TCP_NODELAY};  ///< send small pieces at once
inline constexpr socket_option<bool> keep_alive{SOL_SOCKET, SO_KEEPALIVE};
inline constexpr socket_option<seconds> keep_alive_idle{IPPROTO_TCP, TCP_KEEPIDLE};
inline constexpr socket_option<seconds> keep_alive_interval{IPPROTO_TCP, TCP_KEEPINTVL};
inline constexpr socket_option<int> keep_alive_probes{IPPROTO_TCP, TCP_KEEPCNT};
inline constexpr socket_option<milliseconds> user_timeout{IPPROTO_TCP, TCP_USER_TIMEOUT};  ///< for unacknowledged bytes
/// How long a close goes on sending; none as long as it takes, 0 s resets the connection.
inline constexpr socket_option<std::optional<seconds>> linger{SOL_SOCKET, SO_LINGER};
inline constexpr socket_option<seconds> defer_accept{IPPROTO_TCP, TCP_DEFER_ACCEPT};  ///< until there are bytes
inline constexpr socket_option<int> fast_open{IPPROTO_TCP, TCP_FASTOPEN};  ///< of a listener: how many may wait
inline constexpr socket_option<bool> fast_open_connect{IPPROTO_TCP, TCP_FASTOPEN_CONNECT};

// UDP.
inline constexpr socket_option<bool> broadcast{SOL_SOCKET, SO_BROADCAST};
inline constexpr socket_option<int> multicast_ttl{IPPROTO_IP, IP_MULTICAST_TTL};
inline constexpr socket_option<bool> multicast_loop{IPPROTO_IP, IP_MULTICAST_LOOP};  ///< hear what this machine sends
inline constexpr socket_option<int> ipv6_multicast_hops{IPPROTO_IPV6, IPV6_MULTICAST_HOPS};
inline constexpr socket_option<bool> ipv6_multicast_loop{IPPROTO_IPV6, IPV6_MULTICAST_LOOP};

}  // namespace copas::option
