#include "copas/io/descriptor_table.hpp"

#include <cerrno>

#include "copas/core/result.hpp"

namespace copas {

descriptor_table::~descriptor_table() {
  for (auto& [fd, socket] : sockets_) static_cast<void>(socket->release());  // they are not ours to close
}

ref<socket> descriptor_table::at(int fd) {
  if (const event_source* known = home_.source_of(fd)) {
    return ref{&static_cast<const readiness*>(known)->owner()};  // there is no other kind of source
  }
  auto& found = sockets_[fd];
  if (!found) found = ref{new socket{unique_fd{fd}, readiness::mode::one_shot}};
  return found;
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
