#include "copas/io/listener.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "copas/io/system_reactor.hpp"

namespace copas {
namespace {

constexpr std::chrono::seconds longest_rest{1};

}  // namespace

std::error_code start_listening(int fd, int backlog) noexcept {
  return ::listen(fd, backlog) == 0 ? std::error_code{} : system_error(errno);
}

bool accept_operation::attempt() noexcept {
  resting_ = false;
  for (bool tidied = false;;) {
    if (!on().open()) {
      error_ = errc::closed;
      return true;
    }
    const accepted connection = home() != nullptr ? home()->io().accept(on().fd()) : system_calls::accept(on().fd());
    if (connection.fd >= 0) {
      connection_ = unique_fd{connection.fd};
      return true;
    }
    error_ = connection.error;
    if (connection.error == std::errc::operation_would_block) {
      on().ready().learn(side::read, {.bytes = 0, .error = connection.error, .end = false, .drained = true});
      return false;
    }
    if (is_descriptor_shortage(connection.error)) {
      if (home() == nullptr) return true;
      resting_ = tidied || !home()->free_descriptors();
      if (resting_) return false;
      tidied = true;
    } else if (is_one_of(connection.error, {EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP})) {
      return true;
    }
    // Anything else is the fate of one connection that ended before it was taken: on to the next. See accept(2).
  }
}

void accept_operation::wait_in_line() noexcept {
  if (!resting_) {
    wake_at(until_);
    const std::error_code error = join_line();
    if (!error) return;
    if (!is_descriptor_shortage(error)) return end_soon(error);
    resting_ = true;
  }
  hold_turn();
  wake_at(std::min(until_, home()->io().after(longest_rest)));
  home()->starved().push_back(*this);
}

result<unique_fd> accept_operation::await_resume() noexcept {
  if (connection_) return std::move(connection_);
  return std::unexpected{error_};
}

}  // namespace copas
