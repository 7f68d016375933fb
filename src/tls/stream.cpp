#include "copas/tls/stream.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "copas/tls/error.hpp"
#include "tls/closed_session.hpp"

namespace copas::tls {
namespace {

moved blocked() noexcept { return {.error = std::make_error_code(std::errc::operation_would_block)}; }

// How long a peer has to read what the system did not take when a side was ended or closed.
constexpr std::chrono::seconds patience{5};

task<void> send_held(loop& home, ref<copas::stream> on) {
  co_await flush_operation{&home, on, home.io().after(patience)};
}

}  // namespace

ref<stream> stream::over(copas::stream& plain, context& by) {
  auto session = by.open();
  if (!session) return {};
  const std::span<char> buffered = plain.input().bytes();
  std::string early{buffered.data(), buffered.size()};
  // Without a descriptor until nothing can fail any more.
  ref<stream> made{new stream{unique_fd{}, std::move(session), std::move(early)}};
  plain.send_gathered();
  made->set_gathering(plain.gathers());
  made->replace(unique_fd{plain.release()});
  return made;
}

step stream::shake_hands(loop* via) noexcept {
  if (!open() || state_ == state::failed) return {.how = progress::ended};
  if (state_ != state::shaking_hands) return {};
  via_ = via;
  step taken = session_->handshake(*this);
  if (taken.how == progress::done) state_ = state::open;
  if (taken.how >= progress::ended) state_ = state::failed;
  return taken;
}

moved stream::outcome_of(const step& taken) noexcept {
  switch (taken.how) {
    case progress::done: return {.bytes = taken.bytes};
    case progress::ended: state_ = state::ended; return {.end = true};
    case progress::transport_failed: state_ = state::failed; return {.error = transport_error_};
    case progress::failed: state_ = state::failed; return {.error = make_error(taken.reason)};
    default: return blocked();
  }
}

moved stream::decrypt_some(loop* via, std::span<std::byte> into) noexcept {
  if (state_ == state::ended) return {.end = true};
  if (state_ != state::open) return {.error = errc::closed};
  via_ = via;
  const moved outcome = outcome_of(session_->read(*this, into));
  heard_ |= outcome.bytes > 0;
  return outcome;
}

moved stream::encrypt_some(loop* via, std::span<const std::byte> from) noexcept {
  if (!secured()) return {.error = errc::closed};
  if (output_ended_) return {.error = std::make_error_code(std::errc::broken_pipe)};
  if (const moved before = flush_ciphertext(via); before.error) return before;
  return outcome_of(session_->write(*this, from));
}

moved stream::flush_ciphertext(loop* via) noexcept {
  via_ = via;
  return outcome_of(session_->flush(*this));
}

void stream::end_output(loop* via) noexcept {
  if (!secured() || output_ended_) return;
  via_ = via;
  output_ended_ = true;
  session_->shut_down(*this);
  if (via == nullptr || !session_->unsent()) return;
  try {
    via->spawn(send_held(*via, ref<copas::stream>{this}), "ending output");
  } catch (const std::bad_alloc&) {
    return;  // it goes when the connection is closed, if it can
  }
}

bool stream::may_decrypt() noexcept {
  return state_ != state::open || !early_.empty() || session_->readable() || ready().may_be_ready(side::read);
}

bool stream::holds_bytes() const noexcept {
  return copas::stream::holds_bytes() || (state_ == state::open && (!early_.empty() || session_->readable()));
}

farewell stream::take_leave() noexcept {
  farewell last = say_goodbye();
  session_ = &closed_session(session_->mode());
  owned_.reset();
  early_ = {};
  return last;
}

// What the system does not take goes out while the loop runs, if the peer reads it soon. And who never received anything
// hears the peer out, so that what a server of TLS 1.3 sends unasked (tickets) is read.
farewell stream::say_goodbye() noexcept {
  if (!secured()) return {};
  const output_buffer* const gathered = output();
  via_ = home() == nullptr && gathered != nullptr ? gathered->home() : home();
  const bool unheard = state_ == state::open && !heard_ && stats().sent > 0 && session_->mode() == role::client;
  deadline until = via_ == nullptr ? never : via_->io().after(patience);
  if (!output_ended_) {
    if (gathered != nullptr) {
      if (const deadline last = gathered->last_moment(); last != never) until = std::max(until, last);
      encrypt_all(gathered->bytes());
    }
    session_->shut_down(*this);
  }
  std::string rest = session_->take_unsent();
  state_ = state::failed;
  if ((rest.empty() && !unheard) || via_ == nullptr) return {};
  return {.bytes = std::move(rest), .home = via_, .until = until, .hears_out = unheard};
}

// Also what the transport does not take; the session holds that.
void stream::encrypt_all(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const step taken = session_->write(*this, bytes);
    if (taken.how != progress::done) return;
    bytes = bytes.subspan(taken.bytes);
  }
}

moved stream::receive(std::span<std::byte> into) noexcept {
  if (!early_.empty()) {
    const std::string_view left = std::string_view{early_}.substr(early_taken_);
    const std::size_t count = std::min(left.size(), into.size());
    std::memcpy(into.data(), left.data(), count);
    early_taken_ += count;
    if (count == left.size()) early_ = {};
    return {.bytes = count};
  }
  if (!ready().may_be_ready(side::read)) return blocked();
  const moved outcome = receive_raw(via_, into);
  transport_error_ = outcome.error;
  return outcome;
}

moved stream::send(std::span<const std::byte> from) noexcept {
  if (!ready().may_be_ready(side::write)) return blocked();
  const moved outcome = send_raw(via_, from);
  transport_error_ = outcome.error;
  return outcome;
}

bool handshake_operation::attempt() noexcept {
  const step taken = static_cast<stream&>(on()).shake_hands(home());
  switch (taken.how) {
    case progress::done: break;
    case progress::wants_read: turn_to(side::read); return false;
    case progress::wants_write: turn_to(side::write); return false;
    case progress::wants_protocols: wants_protocols_ = true; break;
    case progress::ended: error_ = errc::closed; break;
    case progress::transport_failed: error_ = static_cast<stream&>(on()).transport_error(); break;
    case progress::failed: error_ = make_error(taken.reason); break;
  }
  return true;
}

}  // namespace copas::tls
