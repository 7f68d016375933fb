#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "copas/io/stream.hpp"
#include "copas/tls/engine.hpp"

namespace copas::tls {

/// A connection whose bytes travel encrypted: to those who receive and send it is a stream like any other.
///
/// Nothing is received or sent before its handshake is finished, or after it has failed: such calls end with
/// `errc::closed`. Closing it, or ending its output, tells the peer (close_notify), without ever blocking: what does not fit
/// into the system's buffer goes out while the loop runs.
class stream final : public copas::stream, private transport {
 public:
  /// @param early  bytes that were received from the descriptor before.
  stream(unique_fd fd, std::unique_ptr<tls::session> session, std::string early) noexcept
      : copas::stream{std::move(fd), encryption::all},
        owned_{std::move(session)},
        session_{owned_.get()},
        early_{std::move(early)} {}
  ~stream() override { close(); }

  /// Takes the descriptor of a plain stream, and the bytes that it has received and nobody has taken.
  /// @return  null for lack of memory; the plain stream is as it was then.
  [[nodiscard]] static ref<stream> over(copas::stream& plain, context& by);

  /// Once it is closed, one of which nothing is known: its memory goes with the connection, not with who holds it.
  [[nodiscard]] tls::session& session() noexcept { return *session_; }
  /// Is the handshake finished, and has nothing failed since?
  [[nodiscard]] bool secured() const noexcept { return state_ == state::open || state_ == state::ended; }

  /// One step of the handshake.
  [[nodiscard]] step shake_hands(loop* via) noexcept;
  /// Why the transport failed.
  [[nodiscard]] std::error_code transport_error() const noexcept { return transport_error_; }

  [[nodiscard]] bool holds_bytes() const noexcept override;

 private:
  enum class state : std::uint8_t { shaking_hands, open, ended, failed };

  moved decrypt_some(loop* via, std::span<std::byte> into) noexcept override;
  moved encrypt_some(loop* via, std::span<const std::byte> from) noexcept override;
  [[nodiscard]] bool may_decrypt() noexcept override;
  [[nodiscard]] bool holds_ciphertext() const noexcept override { return session_->unsent(); }
  moved flush_ciphertext(loop* via) noexcept override;
  void end_output(loop* via) noexcept override;
  farewell take_leave() noexcept override;
  farewell say_goodbye() noexcept;
  void encrypt_all(std::span<const std::byte> bytes) noexcept;
  moved receive(std::span<std::byte> into) noexcept override;
  moved send(std::span<const std::byte> from) noexcept override;
  moved outcome_of(const step& taken) noexcept;

  std::unique_ptr<tls::session> owned_;
  tls::session* session_;  // that, while the connection is open
  std::string early_;
  std::size_t early_taken_ = 0;
  loop* via_ = nullptr;  // of the call that is being made
  std::error_code transport_error_;
  state state_ = state::shaking_hands;
  bool heard_ = false;  // has the peer sent anything for users?
  bool output_ended_ = false;
};

/// Agrees on keys with the peer.
class [[nodiscard]] handshake_operation : public io_operation {
 public:
  handshake_operation(loop* home, ref<stream> on, deadline until = never) noexcept
      : io_operation{home, ref<socket>{on.get()}, side::read} {
    set_deadline(until);
  }

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// @error  of `category()` as OpenSSL gives the reason; errc::timed_out; others as recv(2) and send(2) report them
  std::error_code await_resume() const noexcept { return error_; }
  /// It has stopped for the session to be told `choose_protocols`, and is to be repeated.
  [[nodiscard]] bool wants_protocols() const noexcept { return wants_protocols_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "shaking hands"; }

 private:
  std::error_code error_;
  bool wants_protocols_ = false;
};

}  // namespace copas::tls
