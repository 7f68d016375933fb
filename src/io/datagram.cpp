#include "copas/io/datagram.hpp"

#include "copas/io/system_reactor.hpp"

namespace copas {

bool receive_datagram_operation::attempt() noexcept {
  if (!on().open()) {
    outcome_.error = errc::closed;
    return true;
  }
  if (!on().ready().may_be_ready(side::read)) return false;
  const int fd = on().fd();
  const moved outcome = home() != nullptr ? home()->io().receive_datagram(fd, into_, sender_)
                                          : system_calls::receive_datagram(fd, into_, sender_);
  on().ready().learn(side::read, outcome);
  if (outcome.blocked()) return false;
  outcome_ = {.bytes = outcome.bytes, .truncated = outcome.truncated, .error = outcome.error};
  return true;
}

bool send_datagram_operation::attempt() noexcept {
  if (!on().open()) {
    outcome_.error = errc::closed;
    return true;
  }
  if (!on().ready().may_be_ready(side::write)) return false;
  const int fd = on().fd();
  const moved outcome =
      home() != nullptr ? home()->io().send_datagram(fd, bytes_, to_) : system_calls::send_datagram(fd, bytes_, to_);
  on().ready().learn(side::write, outcome);
  if (outcome.blocked()) return false;
  outcome_ = {.bytes = outcome.bytes, .error = outcome.error};
  return true;
}

}  // namespace copas
