#include "copas/http/receive.hpp"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

namespace copas::http {
namespace {

constexpr int reads_per_turn = 16;  // before others have their turn
constexpr std::size_t large = std::size_t{64} * 1024;  // received at once, of a body that has so much left

}  // namespace

bool receive_response_operation::await_ready() noexcept {
  if (io_operation::await_ready()) return true;
  be_patient();
  return false;
}

void receive_response_operation::be_patient() noexcept {
  if (patience_ != std::chrono::nanoseconds::max()) set_deadline(std::min(limit_, home()->io().after(patience_)));
}

void receive_response_operation::fail() noexcept { outcome_ = {.error = reader_.failure()}; }

// Takes what is in the buffer; true if that was enough.
bool receive_response_operation::parse_buffered() {
  read_buffer& input = from().input();
  while (true) {
    const std::span<char> bytes = input.bytes();
    const response_step step = reader_.feed({bytes.data(), bytes.size()});
    input.consume(step.taken);
    from().stats().received += step.taken;
    if (step.what == response_event::more) {
      if (!input.empty()) continue;
      input.relax();
      return false;
    }
    if (step.what == response_event::failed) {
      fail();
    } else {
      outcome_ = {.what = step.what, .piece = step.piece};
    }
    return true;
  }
}

// How much of the body can be received past the buffer, for nothing but the body will be among it; 0 if it is not worth it.
std::size_t receive_response_operation::large_size() const noexcept {
  const expectation wanted = std::as_const(reader_).parser().wanted();
  return wanted.what == expectation::kind::bytes && wanted.count >= large ? large : 0;
}

moved receive_response_operation::receive_large(std::size_t size) {
  block& memory = reader_.large_block();
  if (!memory) memory = make_block(size);
  moved got = from().receive_some(home(), {memory.get(), size});
  if (got.bytes == 0) return got;
  from().stats().received += got.bytes;
  const response_step step = reader_.feed({reinterpret_cast<const char*>(memory.get()), got.bytes});
  if (step.what == response_event::failed) {
    fail();
  } else {
    outcome_ = {.what = step.what, .piece = step.piece};
  }
  return got;
}

// Has nothing come that ends the operation? A piece that nobody wants is dropped.
bool receive_response_operation::wants_more() noexcept {
  if (outcome_.error) return false;
  if (outcome_.what == response_event::body && use_ == body_use::discard) outcome_ = {};
  return outcome_.what == response_event::more;
}

bool receive_response_operation::attempt() noexcept {
  if (!on().open()) {
    outcome_ = {.error = errc::closed};
    return true;
  }
  try {
    int reads = 0;
    for (;; ++reads) {
      if (parse_buffered()) {
        if (!wants_more()) return true;
        continue;
      }
      if (!from().may_receive() || reads == reads_per_turn) break;
      const std::size_t size = large_size();
      const moved got = size > 0 ? receive_large(size) : from().fill(home());
      if (got.bytes > 0) {
        if (wants_more()) continue;
        return true;
      }
      if (got.blocked()) break;
      if (!got.end) {
        outcome_ = {.error = got.error};
      } else if (const response_step step = reader_.finish(); step.what == response_event::failed) {
        fail();
      } else {
        outcome_ = {.what = step.what};
      }
      return true;
    }
    if (reads > 0) be_patient();
  } catch (const std::bad_alloc&) {
    outcome_ = {.error = std::make_error_code(std::errc::not_enough_memory)};
    return true;
  }
  return false;
}

received receive_response_operation::take_piece() {
  received taken{.error = outcome_.error, .memory = {}, .text = {}};
  block& large_one = reader_.large_block();
  if (large_one && outcome_.piece.data() == reinterpret_cast<const char*>(large_one.get())) {
    taken.length = std::exchange(outcome_.piece, {}).size();
    taken.memory = std::move(large_one);
    return taken;
  }
  read_buffer& input = from().input();
  const std::string_view piece = std::exchange(outcome_.piece, {});
  const std::span<char> rest = input.bytes();
  // What lies in front of the end of an empty buffer is the last that was taken from it.
  if (!piece.empty() && rest.empty() && piece.data() + piece.size() == rest.data()) {
    taken.memory = input.detach();
    taken.offset = static_cast<std::size_t>(piece.data() - reinterpret_cast<const char*>(taken.memory.get()));
    taken.length = piece.size();
  } else {
    taken.text = reader_.take(piece);
  }
  return taken;
}

}  // namespace copas::http
