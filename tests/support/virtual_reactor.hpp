#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "copas/core/reactor.hpp"
#include "copas/io/unique_fd.hpp"
#include "support/counting_reactor.hpp"

namespace copas::testing {

/// A reactor without an operating system: its time moves when somebody waits, its descriptors do what the test says.
///
/// A wait for a deadline jumps there, calling on the way what the test planned with `at`. A wait that nothing could end
/// throws `waits_for_ever`, so that a lost wake-up fails a test instead of hanging it.
class virtual_reactor final : public reactor {
 public:
  struct waits_for_ever : std::logic_error {
    using std::logic_error::logic_error;
  };

  // What the test does.

  /// Moves the clocks, both of them; nothing is called.
  void advance(std::chrono::nanoseconds by) noexcept { now_ += by; }
  /// Calls `action` when time has come to `when` and the loop waits.
  void at(deadline when, std::function<void()> action) { plans_.emplace(when, std::move(action)); }
  /// Reports `event` at the next wait, whether the descriptor is watched or not.
  void inject(const io_event& event) { pending_.push_back(event); }
  /// The generation a descriptor is watched with; zero if it is not.
  [[nodiscard]] std::uint32_t generation_of(int fd) const;
  /// Which events the current one-shot watch is for.
  [[nodiscard]] interest armed(int fd) const;

  /// Makes a descriptor: a real number, owned by the caller, that stands for something scripted.
  [[nodiscard]] unique_fd open();
  /// Bytes arrive; a watched descriptor reports an edge, as for all that follows.
  void deliver(int fd, std::string_view bytes);
  /// Bytes arrive, but their event is not reported yet, if ever.
  void deliver_silently(int fd, std::string_view bytes) { descriptors_.at(fd).arrived += bytes; }
  /// The same, in place of all that arrived before and has been read.
  void deliver_only(int fd, std::string_view bytes);
  /// The peer ends its side.
  void deliver_end(int fd);
  /// Reads fail, once the bytes before it are read.
  void deliver_error(int fd, std::error_code error);
  /// How many bytes it takes from now on, until the room is used up. Without a call: any number.
  void make_room(int fd, std::size_t bytes);
  void make_room_silently(int fd, std::size_t bytes) { descriptors_.at(fd).room = bytes; }
  /// The next watch, of either kind, fails so.
  void fail_watch(std::error_code error) noexcept { watch_failure_ = error; }
  /// What was sent.
  [[nodiscard]] const std::string& sent(int fd) const { return descriptors_.at(fd).sent; }
  /// A datagram arrives.
  void deliver_datagram(int fd, std::string_view bytes);
  /// A connection waits to be accepted.
  void arrive(int fd);
  /// The next accept fails so.
  void fail_accept(int fd, std::error_code error);

  [[nodiscard]] const reactor_calls& calls() const noexcept { return calls_; }
  /// The deadline of the last wait.
  [[nodiscard]] deadline last_wait() const noexcept { return last_wait_; }

  // What the loop does.

  deadline now() noexcept override { return now_; }
  std::chrono::nanoseconds wall() noexcept override { return epoch + now_.time_since_epoch(); }
  std::span<const io_event> wait(deadline until) override;
  void interrupt() noexcept override { interrupted_ = true; }
  std::error_code watch(int fd, std::uint32_t generation) noexcept override;
  std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept override;
  void unwatch(int fd) noexcept override;
  moved receive(int fd, std::span<std::byte> into) noexcept override;
  moved send(int fd, std::span<const std::byte> from) noexcept override;
  moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept override;
  moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept override;
  accepted accept(int fd) noexcept override;

 private:
  static constexpr std::chrono::nanoseconds epoch = std::chrono::hours{24 * 365 * 50};

  enum class watching : std::uint8_t { nothing, edges, once };
  struct scripted {
    watching how = watching::nothing;
    std::uint32_t generation = 0;
    interest wanted;
    std::string arrived;
    std::size_t taken = 0;  // of what arrived
    std::deque<std::string> datagrams;
    std::error_code failure;
    bool ended = false;
    std::size_t room = static_cast<std::size_t>(-1);
    std::string sent;
    std::size_t connections = 0;
    std::deque<std::error_code> accept_failures;

    [[nodiscard]] bool readable() const noexcept {
      return taken < arrived.size() || !datagrams.empty() || ended || failure || connections > 0 ||
             !accept_failures.empty();
    }
  };

  void report(int fd, interest happened);

  deadline now_{std::chrono::hours{1}};
  deadline last_wait_{};
  std::multimap<deadline, std::function<void()>> plans_;
  std::map<int, scripted> descriptors_;
  std::vector<io_event> pending_;
  std::vector<io_event> reported_;
  std::atomic<bool> interrupted_ = false;
  std::error_code watch_failure_;
  reactor_calls calls_;
};

}  // namespace copas::testing
