#include "support/virtual_reactor.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "copas/core/result.hpp"

namespace copas::testing {
namespace {

std::error_code would_block() noexcept { return std::make_error_code(std::errc::operation_would_block); }

}  // namespace

std::uint32_t virtual_reactor::generation_of(int fd) const {
  const auto found = descriptors_.find(fd);
  return found == descriptors_.end() ? 0 : found->second.generation;
}

interest virtual_reactor::armed(int fd) const {
  const auto found = descriptors_.find(fd);
  return found != descriptors_.end() && found->second.how == watching::once ? found->second.wanted : interest{};
}

unique_fd virtual_reactor::open() {
  unique_fd fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  descriptors_[fd.get()] = {};
  return fd;
}

void virtual_reactor::deliver(int fd, std::string_view bytes) {
  descriptors_.at(fd).arrived += bytes;
  report(fd, {.read = true, .write = false});
}

void virtual_reactor::deliver_only(int fd, std::string_view bytes) {
  scripted& here = descriptors_.at(fd);
  here.arrived.erase(0, std::exchange(here.taken, 0));
  deliver(fd, bytes);
}

void virtual_reactor::deliver_end(int fd) {
  descriptors_.at(fd).ended = true;
  report(fd, {.read = true, .write = false});
}

void virtual_reactor::deliver_error(int fd, std::error_code error) {
  descriptors_.at(fd).failure = error;
  report(fd, {.read = true, .write = true});
}

void virtual_reactor::make_room(int fd, std::size_t bytes) {
  descriptors_.at(fd).room = bytes;
  if (bytes > 0) report(fd, {.read = false, .write = true});
}

void virtual_reactor::deliver_datagram(int fd, std::string_view bytes) {
  descriptors_.at(fd).datagrams.emplace_back(bytes);
  report(fd, {.read = true, .write = false});
}

void virtual_reactor::arrive(int fd) {
  ++descriptors_.at(fd).connections;
  report(fd, {.read = true, .write = false});
}

void virtual_reactor::fail_accept(int fd, std::error_code error) {
  descriptors_.at(fd).accept_failures.push_back(error);
  report(fd, {.read = true, .write = false});
}

// An edge: something changed on a descriptor that is watched. It is collected by the next wait.
void virtual_reactor::report(int fd, interest happened) {
  scripted& here = descriptors_.at(fd);
  if (here.how == watching::nothing) return;
  if (here.how == watching::once) {
    happened = {.read = happened.read && here.wanted.read, .write = happened.write && here.wanted.write};
    if (!happened.read && !happened.write) return;
    here.how = watching::nothing;
  }
  pending_.push_back({.fd = fd,
                      .generation = here.generation,
                      .readable = happened.read,
                      .writable = happened.write,
                      .ending = here.ended || here.failure});
}

std::span<const io_event> virtual_reactor::wait(deadline until) {
  ++calls_.waits;
  last_wait_ = until;
  while (pending_.empty() && !interrupted_ && until > now_) {
    if (plans_.empty() || plans_.begin()->first > until) {
      if (until == never) throw waits_for_ever{"the loop waits, and nothing is going to happen"};
      now_ = until;
      break;
    }
    const auto next = plans_.extract(plans_.begin());
    now_ = std::max(now_, next.key());
    next.mapped()();
  }
  interrupted_ = false;
  reported_ = std::exchange(pending_, {});
  calls_.events += reported_.size();
  return reported_;
}

std::error_code virtual_reactor::watch(int fd, std::uint32_t generation) noexcept {
  ++calls_.watches;
  if (watch_failure_) return std::exchange(watch_failure_, {});
  scripted& here = descriptors_[fd];
  here.how = watching::edges;
  here.generation = generation;
  if (here.readable() || here.room > 0) report(fd, {.read = here.readable(), .write = here.room > 0});
  return {};
}

std::error_code virtual_reactor::watch_once(int fd, std::uint32_t generation, interest in) noexcept {
  ++calls_.watches;
  if (watch_failure_) return std::exchange(watch_failure_, {});
  scripted& here = descriptors_[fd];
  here.how = watching::once;
  here.generation = generation;
  here.wanted = in;
  report(fd, {.read = here.readable(), .write = here.room > 0});
  return {};
}

void virtual_reactor::unwatch(int fd) noexcept {
  ++calls_.unwatches;
  scripted& here = descriptors_[fd];
  here.how = watching::nothing;
  here.generation = 0;
}

moved virtual_reactor::receive(int fd, std::span<std::byte> into) noexcept {
  ++calls_.receives;
  scripted& here = descriptors_[fd];
  const std::size_t count = std::min(into.size(), here.arrived.size() - here.taken);
  if (count > 0) {
    std::memcpy(into.data(), here.arrived.data() + here.taken, count);
    here.taken += count;
    calls_.received += count;
    return {.bytes = count, .error = {}, .end = false, .drained = count < into.size()};
  }
  if (here.failure) return {.bytes = 0, .error = std::exchange(here.failure, {}), .end = false, .drained = false};
  if (here.ended) return {.bytes = 0, .error = {}, .end = true, .drained = false};
  return {.bytes = 0, .error = would_block(), .end = false, .drained = true};
}

moved virtual_reactor::send(int fd, std::span<const std::byte> from) noexcept {
  ++calls_.sends;
  scripted& here = descriptors_[fd];
  const std::size_t count = std::min(from.size(), here.room);
  if (count == 0) return {.bytes = 0, .error = would_block(), .end = false, .drained = true};
  here.sent.append(reinterpret_cast<const char*>(from.data()), count);
  if (here.room != static_cast<std::size_t>(-1)) here.room -= count;
  calls_.sent += count;
  return {.bytes = count, .error = {}, .end = false, .drained = count < from.size()};
}

moved virtual_reactor::receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept {
  ++calls_.receives;
  scripted& here = descriptors_[fd];
  if (here.failure) return {.bytes = 0, .error = std::exchange(here.failure, {}), .end = false, .drained = false};
  if (here.datagrams.empty()) return {.bytes = 0, .error = would_block(), .end = false, .drained = true};
  const std::string arrived = std::move(here.datagrams.front());
  here.datagrams.pop_front();
  const std::size_t count = std::min(into.size(), arrived.size());
  std::ranges::copy(std::as_bytes(std::span{arrived}).first(count), into.begin());
  calls_.received += count;
  if (sender != nullptr) sender->size = 0;
  return {.bytes = count, .error = {}, .end = false, .drained = false, .truncated = count < arrived.size()};
}

moved virtual_reactor::send_datagram(int fd, std::span<const std::byte> datagram,
                                     std::span<const std::byte> /*to*/) noexcept {
  ++calls_.sends;
  scripted& here = descriptors_[fd];
  if (datagram.size() > here.room) return {.bytes = 0, .error = would_block(), .end = false, .drained = true};
  here.sent.append(reinterpret_cast<const char*>(datagram.data()), datagram.size());
  if (here.room != static_cast<std::size_t>(-1)) here.room -= datagram.size();
  calls_.sent += datagram.size();
  return {.bytes = datagram.size(), .error = {}, .end = false, .drained = false};
}

accepted virtual_reactor::accept(int fd) noexcept {
  ++calls_.accepts;
  scripted& here = descriptors_[fd];
  if (!here.accept_failures.empty()) {
    const std::error_code failure = here.accept_failures.front();
    here.accept_failures.pop_front();
    return {.fd = -1, .error = failure};
  }
  if (here.connections == 0) return {.fd = -1, .error = would_block()};
  --here.connections;
  return {.fd = open().release(), .error = {}};
}

}  // namespace copas::testing
