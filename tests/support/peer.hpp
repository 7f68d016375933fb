#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "copas/io/unique_fd.hpp"

namespace copas::testing {

/// The other end of a TCP connection: a plain blocking socket, which the test tells what to do step by step.
///
/// On the loopback interface what one end sends has arrived at the other when send(2) returns, so the test's own thread
/// can play both sides. Whatever takes ten seconds throws.
class peer {
 public:
  explicit peer(unique_fd fd);
  /// Connects to this machine. @param host  a numeric address
  static peer connect(std::uint16_t port, const std::string& host = "127.0.0.1");

  /// Sends all of `bytes`, in one piece if they are few.
  void send(std::string_view bytes);
  /// Sends what is taken without waiting; returns how much that was.
  std::size_t send_some(std::string_view bytes);
  /// Sends one byte as urgent data.
  void send_urgent(char byte);
  /// Receives exactly `count` bytes, fewer if the stream ends.
  std::string receive(std::size_t count);
  /// Receives everything up to the end of the stream, or a reset.
  std::string receive_all();
  /// Receives a line, with its LF.
  std::string receive_line();
  /// What has arrived, without waiting.
  std::string receive_available();

  /// Ends this side: the other one reads an end of stream.
  void shutdown();
  void close() noexcept { fd_.reset(); }
  /// Closes the connection with a RST.
  void reset();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::uint16_t port() const;

 private:
  unique_fd fd_;
};

/// A listening socket of the test, on a port that the system chose.
class peer_listener {
 public:
  /// @param backlog  how many connections may wait; Linux takes one more.
  explicit peer_listener(int backlog = 128, const std::string& host = "127.0.0.1");

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] peer accept() const;
  void close() noexcept { fd_.reset(); }

 private:
  unique_fd fd_;
  std::uint16_t port_ = 0;
};

/// Both ends of a new TCP connection.
struct connected_pair {
  unique_fd ours;  ///< non-blocking, for a stream of the library
  peer theirs;
};
[[nodiscard]] connected_pair make_connection();
/// With buffers as small as the system makes them in the direction from ours to theirs, so that little fills them.
[[nodiscard]] connected_pair make_narrow_connection();

/// A port of the loopback interface that nobody listens on.
[[nodiscard]] std::uint16_t closed_port();

}  // namespace copas::testing
