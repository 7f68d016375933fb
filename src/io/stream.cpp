#include "copas/io/stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "copas/io/system_reactor.hpp"

namespace copas {
namespace {

constexpr std::size_t least_growth = read_buffer::block_size;
constexpr std::size_t first_room = std::size_t{256} * 1024;  // for a counted receive that promises to be large

constexpr int reads_per_turn = 16;  // of one operation, before others have their turn

// Drops each CR of the first `length` bytes; returns how many bytes are left.
std::size_t without_carriage_returns(char* bytes, std::size_t length) noexcept {
  if (length == 0 || std::memchr(bytes, '\r', length) == nullptr) return length;
  return static_cast<std::size_t>(std::remove(bytes, bytes + length, '\r') - bytes);
}

// Makes room for `room` more bytes behind `text`, lets `read` fill it, and drops what it left over.
template <class Reader>
moved append(std::string& text, std::size_t room, Reader read) {
  const std::size_t before = text.size();
  if (text.capacity() < before + room) text.reserve(std::max(before + room, 2 * text.capacity()));
  moved outcome;
  text.resize_and_overwrite(before + room, [&](char* data, std::size_t) noexcept {
    outcome = read(std::as_writable_bytes(std::span{data + before, room}));
    return before + outcome.bytes;
  });
  return outcome;
}

}  // namespace

moved stream::send_some(loop* via, std::span<const std::byte> from) noexcept {
  if (output_) [[unlikely]]
    return send_behind_output(via, from);
  const moved outcome = transmit(via, from);
  stats_.sent += outcome.bytes;
  return outcome;
}

// Only where a send_operation would do the same, and be ready.
moved stream::send_directly(loop& via, std::span<const std::byte> bytes) noexcept {
  via.flush_gathered_but(static_cast<socket*>(this));
  if (output_ || encrypted_ || bytes.empty() || !open() || !ready().vacant(side::write) ||
      !ready().may_be_ready(side::write) || !via.within_budget()) {
    return {.error = system_error(EWOULDBLOCK)};
  }
  const moved outcome = send_raw(&via, bytes);
  stats_.sent += outcome.bytes;
  return outcome;
}

// Sends both in one call if they fit into the buffer; it then holds the bytes of `from` during the call only.
moved stream::send_behind_output(loop* via, std::span<const std::byte> from) noexcept {
  output_->collected();
  if (output_->then_shuts_down) return {.error = system_error(EPIPE)};
  if (!output_->has_room(from.size())) return flush(via);
  const std::size_t before = output_->bytes().size();
  output_->append(from);
  moved outcome = transmit(via, output_->bytes());
  if (outcome.error && !outcome.blocked()) {
    stats_.sent -= before;
    output_.reset();
    return outcome;
  }
  output_->drop_last(from.size());
  output_->drop_first(std::min(outcome.bytes, before));
  outcome.bytes -= std::min(outcome.bytes, before);
  if (output_->empty()) output_.reset();
  stats_.sent += outcome.bytes;
  return outcome;
}

bool stream::gather(loop& via, std::span<const std::byte> bytes, const send_limit& limit) noexcept {
  if (!gathers_ || bytes.empty() || bytes.size() > output_buffer::capacity || via.current() == nullptr) return false;
  if (!open() || !ready().vacant(side::write) || !ready().may_be_ready(side::write)) return false;
  if (output_) {
    if (!output_->collecting() || output_->home() != &via || !output_->has_room(bytes.size())) return false;
  } else {
    if (holds_output()) return false;
    try {
      output_ = std::make_unique<output_buffer>(*this, via);
    } catch (const std::bad_alloc&) {
      return false;
    }
    output_->collect();
  }
  output_->append(bytes);
  output_->limit = limit;
  stats_.sent += bytes.size();
  return true;
}

void stream::set_gathering(bool wanted) noexcept {
  gathers_ = wanted;
  if (!wanted) send_gathered();
}

moved stream::flush(loop* via) noexcept {
  if (output_ && !output_->empty()) {
    if (const moved outcome = flush_output(via); outcome.error) return outcome;
  }
  return encrypted_ ? flush_ciphertext(via) : moved{};
}

moved stream::flush_output(loop* via) noexcept {
  output_->collected();
  const moved outcome = transmit(via, output_->bytes());
  output_->drop_first(outcome.bytes);
  if (outcome.error && !outcome.blocked()) {
    stats_.sent -= output_->bytes().size();
    output_->fail(outcome.error);
  } else if (output_->empty()) {
    const bool ends = output_->then_shuts_down;
    output_.reset();
    if (ends) end_output(via);
  }
  return {.error = outcome.error};
}

std::error_code stream::take_output_failure() noexcept {
  const std::error_code failure = output_->failure();
  if (failure) output_.reset();
  return failure;
}

void stream::shutdown_send(loop* via) noexcept {
  set_gathering(false);  // who sends after this is told at once that it cannot be
  if (output_ && !output_->empty()) {
    output_->then_shuts_down = true;
  } else {
    end_output(via);
  }
}

void stream::end_output(loop*) noexcept { ::shutdown(fd(), SHUT_WR); }

farewell stream::take_leave() noexcept {
  if (!output_) return {};
  output_->collected();
  const deadline until = output_->last_moment();
  loop* const via = output_->home();
  static_cast<void>(flush(via));
  if (via == nullptr || !output_ || output_->empty()) return {};
  try {
    const auto rest = output_->bytes();
    return {.bytes = {reinterpret_cast<const char*>(rest.data()), rest.size()}, .home = via, .until = until};
  } catch (const std::bad_alloc&) {
    return {};
  }
}

moved stream::receive_raw(loop* via, std::span<std::byte> into) noexcept {
  const moved outcome = via != nullptr ? via->io().receive(fd(), into) : system_calls::receive(fd(), into);
  ready().learn(side::read, outcome);
  return outcome;
}

moved stream::send_raw(loop* via, std::span<const std::byte> from) noexcept {
  const moved outcome = via != nullptr ? via->io().send(fd(), from) : system_calls::send(fd(), from);
  ready().learn(side::write, outcome);
  return outcome;
}

std::optional<stream::ready_input> stream::receive_at_once(loop& via, const receive_pattern& pattern,
                                                           std::size_t most) noexcept {
  via.flush_gathered_but(static_cast<socket*>(this));
  if (!open() || !ready().vacant(side::read)) return {};
  const auto found = find(pattern);
  if (!found || found->length > most || !via.within_budget()) return {};
  return found;
}

std::optional<stream::ready_input> stream::find(const receive_pattern& pattern) noexcept {
  const std::span<char> here = input_.bytes();
  if (here.empty()) return {};
  if (pattern.what == receive_pattern::kind::line) {
    const auto* end = static_cast<const char*>(std::memchr(here.data(), '\n', here.size()));
    if (end == nullptr) return {};
    return ready_input{.length = static_cast<std::size_t>(end - here.data()), .line = true};
  }
  if (pattern.what != receive_pattern::kind::exactly || pattern.count == 0 || pattern.count > here.size()) return {};
  return ready_input{.length = pattern.count};
}

std::span<char> stream::take(const ready_input& found) noexcept {
  const std::span<char> taken = input_.bytes().first(found.length);
  const std::size_t count = found.length + (found.line ? 1 : 0);
  input_.consume(count);
  stats_.received += count;
  return found.line ? taken.first(without_carriage_returns(taken.data(), taken.size())) : taken;
}

moved stream::fill(loop* via) {
  const moved outcome = receive_some(via, input_.space());
  input_.commit(outcome.bytes);
  return outcome;
}

receive_into_operation::~receive_into_operation() {
  if (handed_over_) return;
  // What an abandoned operation took belongs to whoever receives next from the same descriptor.
  if (over() || reason() == wake_reason::closed || !has_new_bytes()) return;
  from().stats().received -= held_.size() - prefix_;
  try {
    from().input().prepend(std::string_view{held_}.substr(prefix_));
  } catch (const std::bad_alloc&) {
    from().close();  // rather than let somebody read on behind a gap
  }
  held_.resize(prefix_);
}

bool receive_into_operation::attempt() noexcept {
  got_part_ = false;
  if (!on().open()) {
    const bool has_all = what_ == receive_pattern::kind::exactly && prefix_ > 0 && prefix_ >= count_;
    finish(has_all ? no_error : make_error_code(errc::closed));
    return true;
  }
  try {
    for (int reads = 0;; ++reads) {
      if (take_buffered()) return true;
      if (const std::error_code failure = from().take_failure()) {
        finish(failure);
        return true;
      }
      if (reads == reads_per_turn) {  // go on in the next turn, if there will be one
        return (what_ == receive_pattern::kind::all || !from().may_receive()) && stop_with_part();
      }
      // A part is the result only if the system says itself that there is no more, nor an end.
      if (!has_part() && !from().may_receive()) return false;
      const moved outcome = read_more();
      if (outcome.bytes > 0) continue;
      if (outcome.blocked()) return stop_with_part();
      if (outcome.end && what_ == receive_pattern::kind::all && has_new_bytes()) {
        finish(no_error);
      } else {
        finish(outcome.end ? errc::closed : outcome.error);
      }
      return true;
    }
  } catch (const std::bad_alloc&) {
    finish(std::make_error_code(std::errc::not_enough_memory));
    return true;
  }
}

// Ends it where it would wait, if it is content with what it has got.
bool receive_into_operation::stop_with_part() noexcept {
  if (!has_part()) return false;
  finish(errc::timed_out);
  return true;
}

// Takes from the buffer what belongs to the result; true if that completes it.
bool receive_into_operation::take_buffered() {
  if (held_.empty()) {
    if (from().input().empty()) return false;
    if (take_slice()) return true;
  }
  switch (what_) {
    case receive_pattern::kind::line: return take_line();
    case receive_pattern::kind::exactly: return take_counted();
    case receive_pattern::kind::all: take(from().input().size()); return false;
  }
  return false;
}

// The whole result, if it lies in the buffer.
bool receive_into_operation::take_slice() {
  const auto found = from().find(pattern());
  if (!found) return false;
  slice_ = from().take(*found);
  finish(no_error);
  return true;
}

bool receive_into_operation::take_line() {
  const std::span<char> bytes = from().input().bytes();
  if (bytes.empty()) return false;
  const void* const end = std::memchr(bytes.data(), '\n', bytes.size());
  if (end == nullptr) {
    take(bytes.size());
    return false;
  }
  take(static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1);
  held_.pop_back();
  finish(no_error);
  return true;
}

bool receive_into_operation::take_counted() {
  const read_buffer& input = from().input();
  if (count_ == 0 && prefix_ == 0) {
    if (input.empty()) return false;
  } else {
    const std::size_t missing = count_ - std::min(count_, held_.size());
    const std::size_t count = std::min(missing, input.size());
    take(count);
    if (count < missing) return false;
  }
  finish(no_error);
  return true;
}

// Large amounts go straight to where they are wanted; what may belong to the next operation goes through the buffer.
moved receive_into_operation::read_more() {
  const std::size_t spare = held_.capacity() - held_.size();
  if (what_ == receive_pattern::kind::all) return read_behind(std::max(least_growth, spare));
  if (what_ == receive_pattern::kind::exactly) {
    const std::size_t missing = count_ - std::min(count_, held_.size());
    if (missing >= read_buffer::block_size) {
      return read_behind(std::min(missing, std::max(first_room, spare)));
    }
  }
  return from().fill(home());
}

moved receive_into_operation::read_behind(std::size_t room) {
  const moved outcome =
      append(held_, room, [this](std::span<std::byte> into) noexcept { return from().receive_some(home(), into); });
  from().stats().received += outcome.bytes;
  got_part_ = got_part_ || outcome.bytes > 0;
  return outcome;
}

void receive_into_operation::take(std::size_t count) {
  read_buffer& input = from().input();
  held_.append(input.bytes().data(), count);
  from().stats().received += count;
  got_part_ = got_part_ || count > 0;
  input.consume(count);
  input.relax();
}

void receive_into_operation::give_up(std::error_code why) noexcept { finish(why); }

void receive_into_operation::finish(std::error_code why) noexcept {
  error_ = why;
  if (what_ != receive_pattern::kind::line || held_.size() == prefix_) return;
  const std::size_t fresh = held_.size() - prefix_;
  held_.resize(prefix_ + without_carriage_returns(held_.data() + prefix_, fresh));
}

received receive_into_operation::take_result() {
  handed_over_ = true;
  received outcome{.error = error_, .memory = {}, .text = {}};
  if (slice_.data() == nullptr) {
    outcome.text = std::move(held_);
    return outcome;
  }
  read_buffer& input = from().input();
  outcome.length = slice_.size();
  if (input.empty()) {
    outcome.memory = input.detach();
    outcome.offset = static_cast<std::size_t>(slice_.data() - reinterpret_cast<char*>(outcome.memory.get()));
  } else {
    outcome.text.assign(slice_.data(), slice_.size());
  }
  return outcome;
}

void receive_into_operation::keep_result() {
  if (slice_.data() != nullptr) held_.assign(slice_.data(), slice_.size());
  drop_result();
  slice_ = {};
}

void receive_into_operation::drop_result() noexcept {
  handed_over_ = true;
  if (slice_.data() != nullptr) from().input().relax();
}

std::string_view receive_into_operation::activity() const noexcept {
  switch (what_) {
    case receive_pattern::kind::line: return "receiving a line";
    case receive_pattern::kind::exactly: return "receiving a number of bytes";
    case receive_pattern::kind::all: return "receiving to the end of the stream";
  }
  return "receiving";
}

bool receive_some_operation::attempt() noexcept {
  if (!on().open()) {
    outcome_.error = errc::closed;
    return true;
  }
  auto& source = static_cast<stream&>(on());
  read_buffer& input = source.input();
  if (!input.empty()) {
    outcome_.bytes = std::min(into_.size(), input.size());
    std::memcpy(into_.data(), input.bytes().data(), outcome_.bytes);
    input.consume(outcome_.bytes);
    input.relax();
  } else {
    outcome_.error = source.take_failure();
    if (outcome_.error) return true;
    if (!source.may_receive()) return false;
    const moved outcome = source.receive_some(home(), into_);
    if (outcome.blocked()) return false;
    outcome_.bytes = outcome.bytes;
    outcome_.error = outcome.end ? make_error_code(errc::closed) : outcome.error;
  }
  source.stats().received += outcome_.bytes;
  return true;
}

bool send_operation::attempt() noexcept {
  outcome_.error = to().take_failure();
  if (outcome_.error) return true;
  while (!rest_.empty() || to().holds_output()) {
    if (!on().open()) {
      outcome_.error = errc::closed;
      return true;
    }
    if (!on().ready().may_be_ready(side::write)) return false;
    const moved outcome = rest_.empty() ? to().flush(home()) : to().send_some(home(), rest_);
    if (outcome.blocked()) return false;
    outcome_.bytes += outcome.bytes;
    outcome_.error = outcome.error;
    rest_ = rest_.subspan(outcome.bytes);
    if (outcome.error) {
      static_cast<void>(to().take_failure());  // that was it
      return true;
    }
  }
  return true;
}

bool send_awaitable::await_ready() noexcept {
  const moved gone = to_->send_at_once(*home_, bytes_, {.until = until_});
  if (gone.blocked()) return wait_for_rest();
  outcome_ = {.bytes = gone.bytes, .error = gone.error};
  return gone.error || gone.bytes == bytes_.size() || wait_for_rest();
}

bool send_awaitable::wait_for_rest() noexcept {
  try {
    rest_ = std::make_unique<send_operation>(home_, std::move(to_), bytes_, until_, outcome_.bytes);
  } catch (const std::bad_alloc&) {
    outcome_.error = std::make_error_code(std::errc::not_enough_memory);
    return true;
  }
  return rest_->await_ready();
}

bool flush_operation::attempt() noexcept {
  auto& from = static_cast<stream&>(on());
  while (from.holds_output()) {
    if (!on().ready().may_be_ready(side::write)) return false;
    const moved outcome = from.flush(home());
    if (outcome.error) return !outcome.blocked();
  }
  return true;
}

}  // namespace copas
