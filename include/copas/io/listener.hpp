#pragma once

#include <string_view>
#include <system_error>

#include "copas/core/result.hpp"
#include "copas/io/operation.hpp"

namespace copas {

/// A listening socket.
class listener : public socket {
 public:
  using socket::socket;
};

/// Makes a socket that is bound a listening one. @see listen(2)
[[nodiscard]] std::error_code start_listening(int fd, int backlog) noexcept;

/// Accepts one connection.
///
/// When descriptors (or memory for them) run out, it first gives `loop::on_descriptor_shortage` a chance, and then
/// rests until one is freed or a second has passed, so that a listener which cannot accept does not spin.
class [[nodiscard]] accept_operation : public io_operation {
 public:
  /// @param until  when it gives up.
  accept_operation(loop* home, ref<listener> at, deadline until = never) noexcept
      : io_operation{home, ref<socket>{at.get()}, side::read}, until_{until} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// The connection: a descriptor that is non-blocking and closed on exec.
  result<unique_fd> await_resume() noexcept;
  [[nodiscard]] std::string_view activity() const noexcept override { return resting_ ? "resting" : "accepting"; }

 private:
  void wait_in_line() noexcept override;
  [[nodiscard]] bool at_deadline() const noexcept override { return home()->io().now() >= until_; }

  unique_fd connection_;
  std::error_code error_;
  deadline until_;  // a rest may be over before
  bool resting_ = false;
};

}  // namespace copas
