#include "copas/io/descriptor_table.hpp"

#include <cerrno>

#include "copas/core/result.hpp"

namespace copas {

descriptor_table::~descriptor_table() {
  for (auto& [fd, socket] : sockets_) static_cast<void>(socket->release());  // they are not ours to close
}

const readiness* descriptor_table::registered(int fd) const noexcept {
  return static_cast<const readiness*>(home_.sources().of(fd));  // there is no other kind of source
}

ref<socket> descriptor_table::at(int fd) {
  if (const readiness* const known = registered(fd)) return ref{&known->owner()};
  auto& found = sockets_[fd];
  if (!found) found = ref{new socket{unique_fd{fd}, readiness::mode::one_shot}};
  return found;
}

bool descriptor_table::vacant(int fd, side which) const noexcept {
  const readiness* const known = registered(fd);
  return known == nullptr || known->vacant(which);
}

void descriptor_table::closing(int fd) noexcept {
  const auto found = sockets_.find(fd);
  if (found != sockets_.end()) found->second->ready().forget();
}

void descriptor_table::announce_bytes(int fd) noexcept {
  const auto found = sockets_.find(fd);
  if (found != sockets_.end()) found->second->ready().announce_bytes();
}

std::error_code readiness_wait::await_resume() const noexcept {
  return error_ == system_error(EPERM) || error_ == errc::closed ? std::error_code{} : error_;
}

}  // namespace copas
