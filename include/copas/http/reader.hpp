#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "copas/http/error.hpp"
#include "copas/http/parser.hpp"
#include "copas/io/buffer.hpp"

namespace copas::http {

/// What is done with the body of a response.
struct body_rules {
  bool decompresses = false;  ///< undo gzip and deflate; the headers that speak of the compressed bytes are dropped
  std::uint64_t most_body = std::numeric_limits<std::uint64_t>::max();  ///< bytes of it, once they are decompressed
  bool whole_chunks = false;  ///< a chunk of up to 16 MiB is one piece, unless it is decompressed
};

/// A parser that also looks after the body: undoes its compression, and keeps to a limit. Otherwise as `response_parser`.
class response_reader {
 public:
  explicit response_reader(response_rules rules = {}, body_rules body = {});
  response_reader(response_reader&&) noexcept;
  response_reader& operator=(response_reader&&) noexcept;
  ~response_reader();

  /// As `response_parser::feed`. A piece lies in what it was given, or in the reader until it is called again.
  [[nodiscard]] response_step feed(std::string_view bytes);
  [[nodiscard]] response_step finish();
  void restart();
  void restart(response_rules rules, body_rules body);

  [[nodiscard]] response_parser& parser() noexcept { return parser_; }
  [[nodiscard]] const response_parser& parser() const noexcept { return parser_; }
  /// The last piece as a string, without a copy if it can be had so; the piece is not to be used then.
  [[nodiscard]] std::string take(std::string_view piece);

  /// From now on, until another response begins, a chunk need not be one piece: nobody wants to see it.
  void take_parts() noexcept { rules_.whole_chunks = false; }

  /// Where a large piece of a body is received to; it is as long as the piece matters.
  [[nodiscard]] block& large_block() noexcept { return large_; }

  [[nodiscard]] std::error_code failure() const noexcept { return failure_ ? failure_ : parser_.failure(); }
  [[nodiscard]] std::string failure_text() const;

 private:
  class decompression;
  response_step fail(error why, std::size_t taken) noexcept;
  response_step begin_body(response_step head);
  response_step deliver(response_step step);
  response_step gather(response_step step);
  response_step decompress(std::size_t taken);
  response_step end_body(response_step end);

  response_parser parser_;
  body_rules rules_;
  std::uint64_t delivered_ = 0;
  std::unique_ptr<decompression> decompression_;
  std::string piece_;
  std::string gathered_;  // of the current chunk
  bool in_parts_ = false;  // is the current chunk too large to be gathered?
  block large_;
  std::error_code failure_;
};

}  // namespace copas::http
