#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <span>
#include <system_error>
#include <vector>

#include "copas/core/result.hpp"
#include "copas/io/system_reactor.hpp"
#include "copas/io/unique_fd.hpp"

namespace copas {
namespace {

constexpr std::size_t batch = 256;
constexpr std::uint32_t edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

std::chrono::nanoseconds read_clock(clockid_t which) noexcept {
  timespec time{};
  ::clock_gettime(which, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

// Counts the forks between this process and the first one that made a reactor.
std::atomic<unsigned> forks = 0;
[[maybe_unused]] const int counts_forks = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });

unique_fd checked(int fd, const char* call) {
  if (fd < 0) throw std::system_error{errno, std::system_category(), call};
  return unique_fd{fd};
}

class epoll_reactor final : public reactor {
 public:
  epoll_reactor() { open(); }

  deadline now() noexcept override { return deadline{read_clock(CLOCK_MONOTONIC)}; }
  deadline coarse_now() noexcept override { return deadline{read_clock(CLOCK_MONOTONIC_COARSE)}; }
  std::chrono::nanoseconds wall() noexcept override { return read_clock(CLOCK_REALTIME); }

  std::span<const io_event> wait(deadline until) override {
    after_fork();
    const int count = wait_for_events(until);
    if (count < 0 && errno != EINTR) throw std::system_error{errno, std::system_category(), "epoll_wait"};

    std::size_t reported = 0;
    for (const epoll_event& raw : std::span{raw_}.first(static_cast<std::size_t>(std::max(count, 0)))) {
      const auto fd = static_cast<int>(static_cast<std::uint32_t>(raw.data.u64));
      if (fd == wake_up_.get()) {
        eventfd_t ignored = 0;
        ::eventfd_read(fd, &ignored);
        continue;
      }
      events_[reported++] = {
          .fd = fd,
          .generation = static_cast<std::uint32_t>(raw.data.u64 >> 32),
          .readable = (raw.events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
          .writable = (raw.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
          .ending = (raw.events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
      };
    }
    return std::span{events_}.first(reported);
  }

  void interrupt() noexcept override {
    if (forks_seen_ == forks)
      ::eventfd_write(wake_up_.get(), 1);  // in a child it is the parent's still; see after_fork
  }

  std::error_code watch(int fd, std::uint32_t generation) noexcept override {
    after_fork();
    return control(fd, generation, edges);
  }

  std::error_code watch_once(int fd, std::uint32_t generation, interest in) noexcept override {
    after_fork();
    return control(fd, generation,
                   EPOLLONESHOT | (in.read ? EPOLLIN | EPOLLRDHUP : 0U) | (in.write ? std::uint32_t{EPOLLOUT} : 0U));
  }

  void unwatch(int fd) noexcept override {
    after_fork();
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    if (const auto number = static_cast<std::size_t>(fd); number < watches_.size()) watches_[number] = {};
  }

  moved receive(int fd, std::span<std::byte> into) noexcept override { return system_calls::receive(fd, into); }
  moved send(int fd, std::span<const std::byte> from) noexcept override { return system_calls::send(fd, from); }
  moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept override {
    return system_calls::receive_datagram(fd, into, sender);
  }
  moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept override {
    return system_calls::send_datagram(fd, datagram, to);
  }
  accepted accept(int fd) noexcept override { return system_calls::accept(fd); }

 private:
  struct watched {
    std::uint32_t generation = 0;
    std::uint32_t events = 0;  // none: not watched
  };

  void open() {
    epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    wake_up_ = checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
    epoll_event wanted{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint32_t>(wake_up_.get())}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_up_.get(), &wanted) != 0) {
      throw std::system_error{errno, std::system_category(), "epoll_ctl"};
    }
    forks_seen_ = forks.load();
  }

  // A child shares the parent's epoll instance: a change made through it would change what the parent sees.
  void after_fork() {
    if (forks_seen_ == forks.load(std::memory_order_relaxed)) return;
    open();
    for (std::size_t fd = 0; fd < watches_.size(); ++fd) {
      if (watches_[fd].events == 0) continue;
      // What cannot be watched any more was closed by the child: nobody waits for it here.
      static_cast<void>(control(static_cast<int>(fd), watches_[fd].generation, watches_[fd].events));
    }
    interrupt();  // for those who tried before
  }

  std::error_code control(int fd, std::uint32_t generation, std::uint32_t events) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    try {
      if (number >= watches_.size()) watches_.resize(number + number / 2 + 16);
    } catch (const std::bad_alloc&) {
      return system_error(ENOMEM);
    }
    epoll_event wanted{.events = events,
                       .data = {.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd)}};
    const bool known = watches_[number].events != 0;
    const int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int failed = ::epoll_ctl(epoll_.get(), first, fd, &wanted);
    // The number may have been closed, or closed and opened again, behind our back.
    if (failed != 0 && errno == (known ? ENOENT : EEXIST)) {
      failed = ::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &wanted);
    }
    if (failed != 0) return system_error(errno);
    watches_[number] = {generation, events};
    return {};
  }

  int wait_for_events(deadline until) noexcept {
    if (until == never) return ::epoll_wait(epoll_.get(), raw_.data(), batch, -1);
    const auto left = until == deadline::min() ? std::chrono::nanoseconds::zero() : until - now();
    if (left <= std::chrono::nanoseconds::zero()) return ::epoll_wait(epoll_.get(), raw_.data(), batch, 0);

    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    const int count = ::epoll_pwait2(epoll_.get(), raw_.data(), batch, &timeout, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left);  // a kernel before 5.11
    return ::epoll_wait(epoll_.get(), raw_.data(), batch,
                        static_cast<int>(std::min<std::int64_t>(milliseconds.count(), INT32_MAX)));
  }

  unique_fd epoll_;
  unique_fd wake_up_;
  std::atomic<unsigned> forks_seen_ = 0;
  std::vector<watched> watches_;  // by descriptor
  std::array<epoll_event, batch> raw_{};
  std::array<io_event, batch> events_{};
};

}  // namespace

std::unique_ptr<reactor> system_reactor() { return std::make_unique<epoll_reactor>(); }

}  // namespace copas
