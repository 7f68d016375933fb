#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "load/connect.hpp"
#include "load/connection.hpp"
#include "load/descriptor.hpp"
#include "load/histogram.hpp"

namespace load {

using clock = std::chrono::steady_clock;

/// Connections that each send a line, wait for all of its echo, and send the next.
class closed_loop {
 public:
  static constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();

  /// @param sockets  connected ones; may be none, then `run` only waits.
  /// @param line     what they send, the LF included; alive as long as this object.
  closed_loop(std::vector<connection> sockets, std::string_view line)
      : poll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}, line_{line} {
    clients_.reserve(sockets.size());
    for (auto& socket : sockets) watch(clients_.emplace_back(std::move(socket)));
  }

  void start() {
    for (auto& each : clients_) next(each, clock::now());
  }

  /// Goes on until the time has come or the number of answers is reached.
  ///
  /// @return  how long the answers took that came meanwhile.
  histogram run(clock::time_point until, std::uint64_t answers = unlimited) {
    latencies_ = {};
    for (auto now = clock::now(); now < until && latencies_.total() < answers; now = clock::now()) turn(until - now);
    return latencies_;
  }

  /// Sends nothing more and waits for the answers still to come; those that do not come within `patience` are
  /// errors. Connections end in order after it: nothing is unread.
  void drain(std::chrono::seconds patience) {
    draining_ = true;
    const auto until = clock::now() + patience;
    for (auto now = clock::now(); now < until && waiting() > 0; now = clock::now()) turn(until - now);
    errors_ += waiting();
  }

  /// Connections that ended, or got something else than their line.
  [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }

 private:
  struct client {
    explicit client(connection connected) : socket{std::move(connected)} {}

    connection socket;
    clock::time_point started;
    std::size_t sent = 0;
    std::size_t received = 0;
    bool idle = true;  // nothing is on its way
  };

  // Once, for both directions: an edge tells of an answer, or of room for the rest of a long line.
  void watch(client& which) const {
    make_nonblocking(which.socket);
    epoll_event interest{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &which}};
    checked(epoll_ctl(poll_.number(), EPOLL_CTL_ADD, which.socket.number(), &interest), "epoll_ctl");
  }

  void turn(clock::duration at_most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
    const auto timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(poll_.number(), events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
    for (const auto& event : std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)))) {
      handle(*static_cast<client*>(event.data.ptr));
    }
  }

  void handle(client& which) {
    if (!which.idle && which.sent < line_.size()) send_rest(which);
    receive(which);
  }

  // A short read emptied the socket: the next bytes come with an edge of their own.
  void receive(client& which) {
    for (bool more = true; more;) {
      const auto count = which.socket.receive(buffer_.data(), buffer_.size());
      if (count < 0 && errno == EAGAIN) break;
      const auto size = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
      if (size == 0 || !expected(which, size)) return fail(which);
      which.received += size;
      if (which.received == line_.size()) finish(which);
      more = size == buffer_.size() || !which.socket.short_reads_empty();
    }
  }

  [[nodiscard]] bool expected(const client& which, std::size_t size) const noexcept {
    return !which.idle && size <= line_.size() - which.received &&
           std::memcmp(buffer_.data(), line_.data() + which.received, size) == 0;
  }

  // The end of one exchange is the start of the next, so that one look at the clock does for both.
  void finish(client& which) {
    const auto now = clock::now();
    latencies_.add(static_cast<std::uint64_t>(std::chrono::nanoseconds{now - which.started}.count()));
    which.idle = true;
    if (!draining_) next(which, now);
  }

  void next(client& which, clock::time_point now) {
    which.idle = false;
    which.started = now;
    which.sent = 0;
    which.received = 0;
    send_rest(which);
  }

  void send_rest(client& which) {
    const auto rest = line_.substr(which.sent);
    const auto count = which.socket.send(rest);
    if (count >= 0) {
      which.sent += static_cast<std::size_t>(count);
    } else if (errno != EAGAIN) {
      fail(which);
    }
  }

  void fail(client& which) {
    if (which.socket.number() < 0) return;
    which.socket.close();
    which.idle = true;
    ++errors_;
  }

  [[nodiscard]] std::uint64_t waiting() const {
    return static_cast<std::uint64_t>(std::ranges::count(clients_, false, &client::idle));
  }

  descriptor poll_;
  std::string_view line_;
  std::vector<client> clients_;  // invariant: never grows after construction, the kernel has their addresses
  histogram latencies_;
  std::uint64_t errors_ = 0;
  bool draining_ = false;
  std::array<char, 64 * 1024> buffer_;
};

}  // namespace load
