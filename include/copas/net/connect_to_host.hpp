#pragma once

#include <memory>
#include <string_view>
#include <system_error>

#include "copas/io/operation.hpp"
#include "copas/io/stream.hpp"
#include "copas/net/resolver.hpp"

namespace copas {

/// Connects a stream to a host: looks its addresses up, and takes the one that accepts first.
///
/// Attempts begin one after the other, at once where one has failed, or else 250 ms later, and go on side by side; the
/// families alternate, IPv6 first where this machine has it (RFC 8305). The addresses of one family are tried though those
/// of the other are not known yet; IPv4 waits 50 ms for IPv6. A stream that has a descriptor keeps it, and tries the
/// addresses of its family one by one; it gets one at once where the host is an address, and else when it is connected.
class [[nodiscard]] connect_to_host final : public io_operation {
 public:
  /// @param by  outlives the operation.
  /// @error std::bad_alloc
  connect_to_host(resolver& by, ref<stream> socket, lookup_request to);
  ~connect_to_host() override;

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override;
  /// @error  errc::timed_out, errc::closed; of the last address if none accepted, as connect(2) reports them; as
  ///         `resolver::look_up`; `EISCONN` if the stream was connected before
  std::error_code await_resume() const noexcept { return error_; }
  [[nodiscard]] std::string_view activity() const noexcept override;

 private:
  class trial;
  class race;

  void wait_in_line() noexcept override;
  [[nodiscard]] bool at_deadline() const noexcept override;
  void on_progress() noexcept;

  std::unique_ptr<race> race_;  // until it is over
  std::error_code error_;
  deadline limit_;  // once it has waited: the deadline that it was given
  bool waited_ = false;
};

}  // namespace copas
