#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "copas/http/message.hpp"

namespace copas::http {

/// What came of giving a parser some bytes.
enum class response_event : std::uint8_t {
  more,    ///< they are not enough for anything else
  head,    ///< the status line and the headers are complete
  body,    ///< there is a piece of the body
  end,     ///< the response is complete; trailers have joined the headers
  failed,  ///< it is malformed: nothing that follows can be trusted
};

struct response_step {
  response_event what = response_event::more;
  std::size_t taken = 0;     ///< bytes that were taken from the front of what it was given
  std::string_view
      piece{};  ///< of the body, of one chunk: lies in what it was given, or in the parser until it is called
                             ///< again
};

/// What the parser has to get next, for whoever can only ask for that: lines, or a number of bytes.
struct expectation {
  enum class kind : std::uint8_t {
    nothing,  ///< the response is complete, or has failed
    start,    ///< the first five bytes, which tell whether it is one of HTTP/1
    line,     ///< a line, with its end
    bytes,    ///< `count` bytes, or fewer
    anything,  ///< whatever comes, until the connection ends
  };
  kind what = kind::nothing;
  std::uint64_t count = 0;
};

/// To which request a response is the answer, and what of it is accepted.
struct response_rules {
  bool answers_head = false;       ///< to a HEAD request: it has no body
  bool answers_connect = false;    ///< to a CONNECT request: if it succeeds, a tunnel follows
  bool accepts_http09 = false;     ///< what does not begin as HTTP/1 is a body without a head
  std::size_t most_head = std::size_t{256} * 1024;  ///< bytes of status line and headers, and of trailers
};

/// Parses the responses of a connection, strictly, without any input or output of its own.
///
/// Beyond RFC 9112 it accepts what servers are known to send and cannot be misread: lines of the head that end with LF
/// alone, and folded ones, whose parts it joins with the blanks between them; blanks in front of the colon of a header
/// that does not say where the body ends; control characters in its value, of which CR and NUL become blanks; blanks
/// behind the size of a chunk. A content-length that is repeated with the same value counts once; whatever else leaves
/// the end of the body in doubt is an error.
class response_parser {
 public:
  explicit response_parser(response_rules rules = {});
  response_parser(response_parser&&) noexcept;
  response_parser& operator=(response_parser&&) noexcept;
  ~response_parser();

  /// Takes bytes up to the next event. To be called again with the rest, which may be none, after `head` and `body`.
  [[nodiscard]] response_step feed(std::string_view bytes);
  /// The connection has ended. @return  `end` or `failed`
  [[nodiscard]] response_step finish();
  /// Prepares for the response behind one that is complete, such as the one behind "100 Continue".
  void restart();
  /// The same for the response to another request.
  void restart(response_rules rules);

  /// 0 before there is one, and of HTTP/0.9.
  [[nodiscard]] int status() const noexcept;
  [[nodiscard]] const std::string& status_line() const noexcept;
  /// Their names are in lower case.
  [[nodiscard]] const fields& headers() const noexcept;
  [[nodiscard]] fields& headers() noexcept;
  [[nodiscard]] bool complete() const noexcept;
  /// Has any byte of the response come?
  [[nodiscard]] bool begun() const noexcept;
  /// May another request be sent once the response is complete?
  [[nodiscard]] bool keeps_connection() const noexcept;
  [[nodiscard]] expectation wanted() const noexcept;
  /// Bytes of the current chunk that have not come yet; 0 if the body is not in chunks.
  [[nodiscard]] std::uint64_t chunk_left() const noexcept;

  /// Why it has failed: of `category()`; errc::closed if the connection ended too early.
  [[nodiscard]] std::error_code failure() const noexcept;
  /// The same in words, with what of the response is to blame.
  [[nodiscard]] const std::string& failure_text() const noexcept;

 private:
  class machine;
  std::unique_ptr<machine> machine_;
};

}  // namespace copas::http
