#include "support/hostile_reactor.hpp"

#include <utility>

namespace copas::testing {
namespace {

constexpr std::uint32_t denials = 8;      // one call of so many is denied
constexpr std::uint32_t whole_moves = 6;  // one of so many moves all
constexpr std::uint32_t delays = 3;       // one event of so many comes late
constexpr std::uint32_t idle_talk = 4;    // one wait of so many reports something that did not happen

std::error_code would_block() noexcept { return std::make_error_code(std::errc::operation_would_block); }

moved nothing_moved() noexcept { return {.bytes = 0, .error = would_block(), .end = false, .drained = true}; }

}  // namespace

std::span<const io_event> hostile_reactor::wait(deadline until) {
  reported_ = std::exchange(delayed_, {});
  report_what_is_owed();
  report_without_reason();
  for (const io_event& fresh : inner().wait(reported_.empty() ? until : deadline::min())) {
    (one_in(delays) ? delayed_ : reported_).push_back(fresh);
  }
  return reported_;
}

void hostile_reactor::report_what_is_owed() {
  for (auto& [fd, state] : watched_) {
    if (state.generation == 0 || (!state.owed_read && !state.owed_write)) continue;
    reported_.push_back({.fd = fd,
                         .generation = state.generation,
                         .readable = std::exchange(state.owed_read, false),
                         .writable = std::exchange(state.owed_write, false)});
  }
}

void hostile_reactor::report_without_reason() {
  if (!one_in(idle_talk)) return;
  for (const auto& [fd, state] : watched_) {
    if (state.generation == 0 || !one_in(2)) continue;
    reported_.push_back(
        {.fd = fd, .generation = state.generation, .readable = one_in(2), .writable = one_in(2), .ending = one_in(8)});
  }
}

std::error_code hostile_reactor::watch(int fd, std::uint32_t generation) noexcept {
  const auto error = inner().watch(fd, generation);
  if (!error) watched_[fd].generation = generation;
  return error;
}

std::error_code hostile_reactor::watch_once(int fd, std::uint32_t generation, interest in) noexcept {
  const auto error = inner().watch_once(fd, generation, in);
  if (!error) watched_[fd].generation = generation;
  return error;
}

void hostile_reactor::unwatch(int fd) noexcept {
  watched_.erase(fd);
  inner().unwatch(fd);
}

bool hostile_reactor::denies_read(int fd) {
  const bool denied = one_in(denials);
  if (denied) watched_[fd].owed_read = true;
  return denied;
}

bool hostile_reactor::denies_write(int fd) {
  const bool denied = one_in(denials);
  if (denied) watched_[fd].owed_write = true;
  return denied;
}

moved hostile_reactor::receive(int fd, std::span<std::byte> into) noexcept {
  if (denies_read(fd)) return nothing_moved();
  return inner().receive(fd, one_in(whole_moves) ? into : into.first(1));
}

moved hostile_reactor::send(int fd, std::span<const std::byte> from) noexcept {
  if (denies_write(fd)) return nothing_moved();
  return inner().send(fd, one_in(whole_moves) ? from : from.first(1));
}

moved hostile_reactor::receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept {
  if (denies_read(fd)) return nothing_moved();
  return inner().receive_datagram(fd, into, sender);
}

moved hostile_reactor::send_datagram(int fd, std::span<const std::byte> datagram,
                                     std::span<const std::byte> to) noexcept {
  if (denies_write(fd)) return nothing_moved();
  return inner().send_datagram(fd, datagram, to);
}

accepted hostile_reactor::accept(int fd) noexcept {
  if (denies_read(fd)) return {.fd = -1, .error = would_block()};
  return inner().accept(fd);
}

}  // namespace copas::testing
