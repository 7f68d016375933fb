#include "copas/http/reader.hpp"

#include <utility>

#include "decoder.hpp"

namespace copas::http {
namespace {

constexpr std::size_t most_at_once = std::size_t{64} * 1024;  // of what is decompressed
constexpr std::uint64_t most_gathered = std::uint64_t{16} * 1024 * 1024;  // of a chunk

}  // namespace

class response_reader::decompression {
 public:
  explicit decompression(std::string_view coding) : how{coding} {}

  decoder how;
  std::string left;  // compressed bytes that have not been decoded yet
};

response_reader::response_reader(response_rules rules, body_rules body) : parser_{rules}, rules_{body} {}
response_reader::response_reader(response_reader&&) noexcept = default;
response_reader& response_reader::operator=(response_reader&&) noexcept = default;
response_reader::~response_reader() = default;

void response_reader::restart() {
  parser_.restart();
  decompression_.reset();
  gathered_.clear();
  in_parts_ = false;
  delivered_ = 0;
}

void response_reader::restart(response_rules rules, body_rules body) {
  parser_.restart(rules);
  rules_ = body;
  decompression_.reset();
  gathered_.clear();
  in_parts_ = false;
  delivered_ = 0;
  failure_ = {};
}

response_step response_reader::fail(error why, std::size_t taken) noexcept {
  failure_ = why;
  return {.what = response_event::failed, .taken = taken};
}

std::string response_reader::failure_text() const { return failure_ ? failure_.message() : parser_.failure_text(); }

response_step response_reader::feed(std::string_view bytes) {
  if (failure_) return {.what = response_event::failed};
  if (decompression_ && !decompression_->left.empty()) return decompress(0);
  const response_step step = parser_.feed(bytes);
  switch (step.what) {
    case response_event::head: return begin_body(step);
    case response_event::body: return deliver(step);
    case response_event::end: return end_body(step);
    default: return step;
  }
}

response_step response_reader::finish() {
  if (failure_) return {.what = response_event::failed};
  const response_step step = parser_.finish();
  return step.what == response_event::end ? end_body(step) : step;
}

response_step response_reader::begin_body(response_step head) {
  if (!rules_.decompresses) return head;
  const auto coding = parser_.headers().get("content-encoding");
  if (!coding || !decoder::knows(*coding)) return head;
  decompression_ = std::make_unique<decompression>(*coding);
  parser_.headers().erase("content-encoding");
  parser_.headers().erase("content-length");
  return head;
}

response_step response_reader::deliver(response_step step) {
  if (decompression_) {
    decompression_->left.assign(step.piece);
    return decompress(step.taken);
  }
  if (step.piece.size() > rules_.most_body - delivered_) return fail(error::body_too_large, step.taken);
  delivered_ += step.piece.size();
  return rules_.whole_chunks ? gather(step) : step;
}

response_step response_reader::gather(response_step step) {
  const std::uint64_t left = parser_.chunk_left();
  if (gathered_.empty() && (in_parts_ || left == 0 || step.piece.size() + left > most_gathered)) {
    in_parts_ = left > 0;
    return step;
  }
  gathered_.append(step.piece);
  if (left > 0) return {.taken = step.taken};
  piece_ = std::exchange(gathered_, {});
  return {.what = response_event::body, .taken = step.taken, .piece = piece_};
}

response_step response_reader::decompress(std::size_t taken) {
  piece_.clear();
  std::string_view left = decompression_->left;
  const bool fine = decompression_->how.decode(left, piece_, most_at_once);
  decompression_->left.erase(0, decompression_->left.size() - left.size());
  if (!fine) return fail(error::malformed_content, taken);
  if (piece_.empty()) return {.taken = taken};
  if (piece_.size() > rules_.most_body - delivered_) return fail(error::body_too_large, taken);
  delivered_ += piece_.size();
  return {.what = response_event::body, .taken = taken, .piece = piece_};
}

response_step response_reader::end_body(response_step end) {
  const bool cut_off = decompression_ && !decompression_->how.complete();
  return cut_off ? fail(error::malformed_content, end.taken) : end;
}

std::string response_reader::take(std::string_view piece) {
  return piece.data() == piece_.data() ? std::move(piece_) : std::string{piece};
}

}  // namespace copas::http
