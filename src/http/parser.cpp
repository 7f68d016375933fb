// The head of a response is brought into a canonical form first: a status line of HTTP/1.0 or 1.1, lines that end with
// CRLF, and one field, or none, that says how long the body is. So llhttp, which parses the fields and everything that
// follows, never meets a message that could be read in two ways. Of a body in chunks it does not see the blanks that some
// servers pad the sizes with.
#include "copas/http/parser.hpp"

#include <llhttp.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "copas/core/result.hpp"
#include "framing.hpp"

namespace copas::http {

class response_parser::machine {
 public:
  explicit machine(response_rules rules) : rules_{rules} { restart(); }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  response_step feed(std::string_view bytes);
  response_step finish();
  void restart();

  [[nodiscard]] expectation wanted() const noexcept;
  [[nodiscard]] bool keeps_connection() const noexcept;

  response_rules rules_;
  int status_ = 0;
  std::string status_line_;
  fields headers_;
  std::error_code failure_;
  std::string failure_text_;
  bool begun_ = false;
  std::uint64_t chunk_left_ = 0;

  enum class state : std::uint8_t { start, status, fields, head_parsed, body, raw_start, raw, complete, failed };
  state state_ = state::start;

 private:
  static machine& of(llhttp_t* parser) noexcept { return *static_cast<machine*>(parser->data); }
  static const llhttp_settings_t& callbacks() noexcept;

  response_step fail(std::error_code why, std::string text, std::size_t taken);
  response_step fail(error why, std::size_t taken) {
    const std::error_code code = why;
    return fail(code, code.message(), taken);
  }
  response_step take_start(std::string_view bytes);
  response_step take_head(std::string_view bytes);
  response_step take_body(std::string_view bytes);
  [[nodiscard]] bool take_status_line();
  [[nodiscard]] bool take_field_line();
  void add_canonical(std::string_view field_line);
  response_step finish_head(std::size_t taken);
  [[nodiscard]] std::size_t before_blanks(std::string_view bytes);
  [[nodiscard]] bool parse(std::string_view bytes, std::size_t& parsed);
  [[nodiscard]] error reason_of_failure() const noexcept;

  llhttp_t parser_{};
  std::string line_;  // the part of a line that has come
  std::string canonical_;  // the head for llhttp
  std::vector<std::string> lengths_, codings_;
  std::vector<std::string>* folding_ = nullptr;  // what a folded line goes on with; null for other fields
  std::size_t head_size_ = 0;  // also of trailers
  framing how_;
  bool old_version_ = false;  // HTTP/1.0, or none that we know
  bool message_complete_ = false;
  bool in_value_ = false;
  bool has_fields_ = false;
  enum class chunk_line : std::uint8_t { none, start, digits, blanks };
  chunk_line chunk_line_ = chunk_line::none;  // up to the blanks behind the size
  std::string_view piece_;
};

const llhttp_settings_t& response_parser::machine::callbacks() noexcept {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_header_field = [](llhttp_t* parser, const char* at, std::size_t length) {
      machine& self = of(parser);
      if (self.in_value_ || self.headers_.empty()) self.headers_.add("", "");
      self.in_value_ = false;
      std::string& name = self.headers_.back().name;
      for (const char each : std::string_view{at, length}) name += lower(each);
      return 0;
    };
    made.on_header_value = [](llhttp_t* parser, const char* at, std::size_t length) {
      machine& self = of(parser);
      self.in_value_ = true;
      self.headers_.back().value.append(at, length);
      return 0;
    };
    made.on_header_value_complete = [](llhttp_t* parser) {
      machine& self = of(parser);
      self.in_value_ = true;
      std::string& value = self.headers_.back().value;
      value.resize(value.find_last_not_of(" \t") + 1);
      return 0;
    };
    made.on_headers_complete = [](llhttp_t* parser) { return of(parser).how_.how == framing::kind::none ? 1 : 0; };
    made.on_body = [](llhttp_t* parser, const char* at, std::size_t length) {
      machine& self = of(parser);
      self.piece_ = {at, length};
      self.chunk_left_ -= std::min<std::uint64_t>(self.chunk_left_, length);
      return 0;
    };
    made.on_chunk_header = [](llhttp_t* parser) {
      machine& self = of(parser);
      self.chunk_left_ = parser->content_length;
      self.head_size_ = 0;  // trailers have their own limit, and so has what is around each chunk
      self.in_value_ = true;
      return 0;
    };
    made.on_chunk_complete = [](llhttp_t* parser) -> int {
      if ((parser->flags & F_TRAILING) != 0) return HPE_OK;  // the last one, behind its trailers
      of(parser).chunk_line_ = chunk_line::start;
      return HPE_PAUSED;
    };
    made.on_message_complete = [](llhttp_t* parser) -> int {
      of(parser).message_complete_ = true;
      return HPE_PAUSED;
    };
    return made;
  }();
  return settings;
}

void response_parser::machine::restart() {
  llhttp_init(&parser_, HTTP_RESPONSE, &callbacks());
  llhttp_set_lenient_headers(&parser_, 1);  // control characters in values, which do no harm
  parser_.data = this;
  failure_ = {};
  failure_text_.clear();
  status_ = 0;
  status_line_.clear();
  headers_.clear();
  line_.clear();
  canonical_.clear();
  lengths_.clear();
  codings_.clear();
  folding_ = nullptr;
  head_size_ = 0;
  how_ = {};
  chunk_left_ = 0;
  chunk_line_ = chunk_line::none;
  begun_ = old_version_ = message_complete_ = has_fields_ = false;
  in_value_ = true;
  state_ = state::start;
}

response_step response_parser::machine::fail(std::error_code why, std::string text, std::size_t taken) {
  state_ = state::failed;
  failure_ = why;
  failure_text_ = std::move(text);
  return {.what = response_event::failed, .taken = taken};
}

response_step response_parser::machine::feed(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  switch (state_) {
    case state::start: return take_start(bytes);
    case state::status:
    case state::fields: return take_head(bytes);
    case state::raw_start: state_ = state::raw; return {.what = response_event::body, .piece = line_};
    case state::raw:
      if (bytes.empty()) return {};
      return {.what = response_event::body, .taken = bytes.size(), .piece = bytes};
    case state::head_parsed:
    case state::body: return take_body(bytes);
    case state::complete: return {.what = response_event::end};
    case state::failed: break;
  }
  return {.what = response_event::failed};
}

response_step response_parser::machine::take_start(std::string_view bytes) {
  static constexpr std::string_view beginning = "HTTP/";
  const std::size_t count = std::min(beginning.size() - line_.size(), bytes.size());
  line_.append(bytes.substr(0, count));
  if (line_.size() < beginning.size()) return {.taken = count};
  if (line_ == beginning) {
    state_ = state::status;
    response_step rest = take_head(bytes.substr(count));
    rest.taken += count;
    return rest;
  }
  if (!rules_.accepts_http09) return fail(error::not_http, count);
  state_ = state::raw_start;
  how_.how = framing::kind::until_close;
  return {.what = response_event::head, .taken = count};
}

response_step response_parser::machine::take_head(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto end = bytes.find('\n', taken);
    const std::size_t stop = end == std::string_view::npos ? bytes.size() : end + 1;
    line_.append(bytes.substr(taken, stop - taken));
    head_size_ += stop - taken;
    taken = stop;
    if (head_size_ > rules_.most_head) return fail(error::headers_too_large, taken);
    if (end == std::string_view::npos) break;
    line_.pop_back();
    if (line_.ends_with('\r')) line_.pop_back();
    if (state_ == state::status) {
      if (!take_status_line()) return fail(make_error_code(error::malformed_status_line), line_, taken);
    } else if (line_.empty()) {
      return finish_head(taken);
    } else if (!take_field_line()) {
      return fail(error::malformed_headers, taken);
    }
    line_.clear();
  }
  return {.taken = taken};
}

// "HTTP/1.1 200 OK", with or without a reason. What says that it is a later version is taken for HTTP/1.1, but its
// connection is not used again.
bool response_parser::machine::take_status_line() {
  const auto digit = [this](std::size_t at) { return at < line_.size() && line_[at] >= '0' && line_[at] <= '9'; };
  const bool well_formed = digit(5) && line_[6] == '.' && digit(7) && line_[8] == ' ' && digit(9) && digit(10) &&
                           digit(11) && line_[9] != '0' && (line_.size() == 12 || line_[12] == ' ');
  if (!well_formed) return false;
  status_ = (line_[9] - '0') * 100 + (line_[10] - '0') * 10 + (line_[11] - '0');
  old_version_ = line_[5] != '1' || line_[7] == '0';
  canonical_.append("HTTP/1.1 ").append(line_, 9).append("\r\n");
  status_line_ = line_;
  state_ = state::fields;
  return true;
}

// Only what says how long the body is, and what llhttp takes another way, is looked at. Blanks in front of the colon go, as
// RFC 9112 section 5.1 has it for responses; but where they could hide how long the body is, they are an error.
bool response_parser::machine::take_field_line() {
  const std::string_view line = line_;
  if (line.starts_with(' ') || line.starts_with('\t')) {
    if (!has_fields_) return false;
    if (folding_ != nullptr) {
      folding_->back() += line;
    } else {
      add_canonical(line);
    }
    return true;
  }
  const auto colon = line.find(':');
  const std::string_view name = trimmed(line.substr(0, colon));
  if (name.empty() || colon == std::string_view::npos) return false;
  has_fields_ = true;
  folding_ = equal_without_case(name, "content-length")      ? &lengths_
             : equal_without_case(name, "transfer-encoding") ? &codings_
                                                             : nullptr;
  if (folding_ != nullptr) {
    if (name.size() < colon) return false;
    folding_->emplace_back(line.substr(colon + 1));
  } else {
    canonical_ += name;
    add_canonical(line.substr(colon));
  }
  return true;
}

// RFC 9110 section 5.5: CR and NUL in a value are blanks.
void response_parser::machine::add_canonical(std::string_view field_line) {
  for (const char each : field_line) canonical_ += each == '\r' || each == '\0' ? ' ' : each;
  canonical_ += "\r\n";
}

response_step response_parser::machine::finish_head(std::size_t taken) {
  for (auto* list : {&lengths_, &codings_}) {
    for (std::string& each : *list) {
      each = trimmed(each);
      if (!is_field_value(each)) return fail(error::malformed_headers, taken);
      headers_.add(list == &lengths_ ? "content-length" : "transfer-encoding", each);
    }
  }
  const bool bodiless = rules_.answers_head || status_ < 200 || status_ == 204 || status_ == 304 ||
                        (rules_.answers_connect && status_ < 300);
  if (!bodiless) {
    const auto found = frame_body(lengths_, codings_);
    if (!found) return fail(make_error_code(found.error().why), found.error().text, taken);
    how_ = *found;
  }
  if (how_.how == framing::kind::counted) {
    canonical_.append("content-length: ").append(std::to_string(how_.length)).append("\r\n");
  } else if (how_.how == framing::kind::chunked) {
    canonical_ += "transfer-encoding: chunked\r\n";
    chunk_line_ = chunk_line::start;
  }
  canonical_ += "\r\n";
  const llhttp_errno_t outcome = llhttp_execute(&parser_, canonical_.data(), canonical_.size());
  if (outcome != HPE_OK && outcome != HPE_PAUSED && outcome != HPE_PAUSED_UPGRADE) {
    return fail(error::malformed_headers, taken);
  }
  if (how_.how == framing::kind::counted || how_.how == framing::kind::chunked) headers_.drop_last();
  if (outcome == HPE_PAUSED) llhttp_resume(&parser_);
  head_size_ = 0;
  state_ = state::head_parsed;
  message_complete_ = message_complete_ || how_.how == framing::kind::none;
  return {.what = response_event::head, .taken = taken};
}

// How many of the bytes belong in front of the blanks behind a chunk's size, or have no such blanks in front of them.
std::size_t response_parser::machine::before_blanks(std::string_view bytes) {
  const std::size_t digits = std::min(bytes.find_first_not_of("0123456789abcdefABCDEF"), bytes.size());
  if (digits > 0) chunk_line_ = chunk_line::digits;
  if (digits == bytes.size()) return digits;
  const bool padded = chunk_line_ == chunk_line::digits && (bytes[digits] == ' ' || bytes[digits] == '\t');
  chunk_line_ = padded ? chunk_line::blanks : chunk_line::none;
  return padded ? digits : bytes.size();
}

// Gives llhttp bytes until it pauses. @return  false for an error
bool response_parser::machine::parse(std::string_view bytes, std::size_t& parsed) {
  const llhttp_errno_t outcome = llhttp_execute(&parser_, bytes.data(), bytes.size());
  if (outcome != HPE_OK && outcome != HPE_PAUSED) return false;
  parsed = outcome == HPE_OK ? bytes.size() : static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
  if (outcome == HPE_PAUSED && !message_complete_) llhttp_resume(&parser_);
  return true;
}

error response_parser::machine::reason_of_failure() const noexcept {
  switch (llhttp_get_errno(&parser_)) {
    case HPE_INVALID_HEADER_TOKEN:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH: return error::malformed_headers;
    default: return error::invalid_chunk;
  }
}

response_step response_parser::machine::take_body(std::string_view bytes) {
  state_ = state::body;
  piece_ = {};
  std::size_t taken = 0;
  while (taken < bytes.size() && piece_.empty() && !message_complete_) {
    const std::string_view left = bytes.substr(taken);
    std::size_t used = 0;
    if (chunk_line_ == chunk_line::blanks) {
      used = std::min(left.find_first_not_of(" \t"), left.size());
      if (used < left.size()) {
        if (left[used] != ';' && left[used] != '\r') return fail(error::invalid_chunk, bytes.size());
        chunk_line_ = chunk_line::none;
      }
    } else {
      const std::size_t share = chunk_line_ == chunk_line::none ? left.size() : before_blanks(left);
      if (share > 0 && !parse(left.substr(0, share), used)) return fail(reason_of_failure(), bytes.size());
    }
    taken += used;
    if (how_.how == framing::kind::chunked) head_size_ += used - piece_.size();
    if (head_size_ > rules_.most_head + bytes.size()) return fail(error::headers_too_large, taken);
  }
  if (!piece_.empty()) return {.what = response_event::body, .taken = taken, .piece = piece_};
  if (!message_complete_) return {.taken = taken};
  state_ = state::complete;
  return {.what = response_event::end, .taken = taken};
}

response_step response_parser::machine::finish() {
  const bool ended =
      state_ == state::complete || message_complete_ || state_ == state::raw || state_ == state::raw_start ||
      ((state_ == state::body || state_ == state::head_parsed) && how_.how == framing::kind::until_close);
  if (state_ == state::failed) return {.what = response_event::failed};
  if (!ended) return fail(copas::make_error_code(errc::closed), "closed", 0);
  state_ = state::complete;
  return {.what = response_event::end};
}

expectation response_parser::machine::wanted() const noexcept {
  using kind = expectation::kind;
  switch (state_) {
    case state::start: return {.what = kind::start, .count = 5 - line_.size()};
    case state::status:
    case state::fields: return {.what = kind::line};
    case state::raw_start:
    case state::raw: return {.what = kind::anything};
    case state::complete:
    case state::failed: return {.what = kind::nothing};
    case state::head_parsed:
    case state::body: break;
  }
  if (message_complete_) return {.what = kind::nothing};
  if (how_.how == framing::kind::until_close) return {.what = kind::anything};
  if (how_.how == framing::kind::counted) return {.what = kind::bytes, .count = parser_.content_length};
  if (chunk_left_ > 0) return {.what = kind::bytes, .count = chunk_left_};
  return {.what = kind::line};
}

bool response_parser::machine::keeps_connection() const noexcept {
  if (state_ != state::complete || how_.how == framing::kind::until_close || status_ < 200) return false;
  if (headers_.lists("connection", "close")) return false;
  if (!old_version_) return true;
  return status_line_.starts_with("HTTP/1.0") && codings_.empty() && headers_.lists("connection", "keep-alive");
}

response_parser::response_parser(response_rules rules) : machine_{std::make_unique<machine>(rules)} {}
response_parser::response_parser(response_parser&&) noexcept = default;
response_parser& response_parser::operator=(response_parser&&) noexcept = default;
response_parser::~response_parser() = default;

response_step response_parser::feed(std::string_view bytes) { return machine_->feed(bytes); }
response_step response_parser::finish() { return machine_->finish(); }
void response_parser::restart() { machine_->restart(); }
void response_parser::restart(response_rules rules) {
  machine_->rules_ = rules;
  machine_->restart();
}
int response_parser::status() const noexcept { return machine_->status_; }
const std::string& response_parser::status_line() const noexcept { return machine_->status_line_; }
const fields& response_parser::headers() const noexcept { return machine_->headers_; }
fields& response_parser::headers() noexcept { return machine_->headers_; }
bool response_parser::complete() const noexcept { return machine_->state_ == machine::state::complete; }
bool response_parser::begun() const noexcept { return machine_->begun_; }
bool response_parser::keeps_connection() const noexcept { return machine_->keeps_connection(); }
expectation response_parser::wanted() const noexcept { return machine_->wanted(); }
std::uint64_t response_parser::chunk_left() const noexcept { return machine_->chunk_left_; }
std::error_code response_parser::failure() const noexcept { return machine_->failure_; }
const std::string& response_parser::failure_text() const noexcept { return machine_->failure_text_; }

}  // namespace copas::http
