#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "copas/http/reader.hpp"
#include "copas/io/stream.hpp"

namespace copas::http {

/// What becomes of the body of a response.
enum class body_use : std::uint8_t { deliver, discard };

/// Receives the next part of a response: its head, a piece of its body, or its end.
///
/// What follows the response stays in the stream.
class [[nodiscard]] receive_response_operation : public io_operation {
 public:
  struct outcome {
    response_event what = response_event::more;  ///< none of these if there is an error
    std::string_view piece{};  ///< of the body; alive until the stream or the reader is used again
    std::error_code error{};   ///< errc::timed_out, errc::closed, of `category()`; others as recv(2) reports them
  };

  /// @param by        alive until the operation ends.
  /// @param patience  how long to wait each time that bytes have to come.
  /// @param until     when to give up, whatever has come.
  /// @param use       whether pieces of the body end the operation, or are dropped.
  receive_response_operation(loop* home, ref<stream> from, response_reader& by,
                             std::chrono::nanoseconds patience = std::chrono::nanoseconds::max(),
                             deadline until = never, body_use use = body_use::deliver) noexcept
      : io_operation{home, ref<socket>{from.get()}, side::read},
        reader_{by},
        patience_{patience},
        limit_{until},
        use_{use} {
    set_deadline(limit_);
  }

  [[nodiscard]] bool await_ready() noexcept;
  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { outcome_ = {.error = why}; }
  [[nodiscard]] outcome await_resume() const noexcept { return outcome_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "receiving a response"; }

  /// The piece, with the memory that it lies in, for who keeps it. The outcome's is not to be used then.
  [[nodiscard]] received take_piece();

  [[nodiscard]] response_reader& reader() const noexcept { return reader_; }

 private:
  [[nodiscard]] stream& from() const noexcept { return static_cast<stream&>(on()); }
  [[nodiscard]] bool parse_buffered();
  [[nodiscard]] std::size_t large_size() const noexcept;
  [[nodiscard]] moved receive_large(std::size_t size);
  void be_patient() noexcept;
  [[nodiscard]] bool wants_more() noexcept;
  void fail() noexcept;

  response_reader& reader_;
  std::chrono::nanoseconds patience_;
  deadline limit_;
  body_use use_;
  outcome outcome_;
};

}  // namespace copas::http
