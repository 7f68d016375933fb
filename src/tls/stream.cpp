#include "copas/tls/stream.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "copas/core/task.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/tls/error.hpp"
#include "tls/closed_session.hpp"

namespace copas::tls {
namespace {

moved blocked() noexcept { return {.error = std::make_error_code(std::errc::operation_would_block)}; }

// How long a peer has to read what the system did not take when a side was ended or closed.
constexpr std::chrono::seconds patience{5};

// Ends a connection while the loop runs, if the peer reads soon: what the system did not take when it was closed goes out;
// and who never received anything waits for the peer's end, so that what a server of TLS 1.3 sends unasked (tickets) is
// read. If such bytes met a closed connection, the system would reset it, and the peer lose what it has not read yet.
task<void> part(loop& home, unique_fd connection, std::string rest, bool unheard) {
  const deadline until = home.io().after(patience);
  stream_handle peer{home, std::move(connection)};
  if (!rest.empty() && !co_await peer.send(rest, until)) co_return;
  if (!unheard) co_return;
  peer.shutdown_send();
  std::array<std::byte, 1024> unread;
  while (co_await peer.receive(unread, until)) continue;
}

task<void> send_held(loop& home, ref<copas::stream> on) {
  send_operation sending{&home, std::move(on), {}, home.io().after(patience)};
  static_cast<void>(co_await sending);
}

}  // namespace

ref<stream> stream::over(copas::stream& plain, context& by) {
  auto session = by.open();
  if (!session) return {};
  const std::span<char> buffered = plain.input().bytes();
  std::string early{buffered.data(), buffered.size()};
  // Without a descriptor until nothing can fail any more.
  ref<stream> made{new stream{unique_fd{}, std::move(session), std::move(early)}};
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

moved stream::receive_some(loop* via, std::span<std::byte> into) noexcept {
  if (state_ == state::ended) return {.end = true};
  if (state_ != state::open) return {.error = errc::closed};
  via_ = via;
  const moved outcome = outcome_of(session_->read(*this, into));
  heard_ |= outcome.bytes > 0;
  return outcome;
}

moved stream::send_some(loop* via, std::span<const std::byte> from) noexcept {
  if (!secured()) return {.error = errc::closed};
  if (output_ended_) return {.error = std::make_error_code(std::errc::broken_pipe)};
  if (const moved before = flush(via); before.error) return before;
  const moved outcome = outcome_of(session_->write(*this, from));
  stats().sent += outcome.bytes;
  return outcome;
}

moved stream::flush(loop* via) noexcept {
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

bool stream::may_receive() noexcept {
  return state_ != state::open || !early_.empty() || session_->readable() || copas::stream::may_receive();
}

bool stream::holds_bytes() const noexcept {
  return copas::stream::holds_bytes() || (state_ == state::open && (!early_.empty() || session_->readable()));
}

void stream::take_leave() noexcept {
  say_goodbye();
  session_ = &closed_session(session_->mode());
  owned_.reset();
  early_ = {};
}

void stream::say_goodbye() noexcept {
  if (!secured()) return;
  via_ = home();
  const bool unheard = state_ == state::open && !heard_ && stats().sent > 0 && session_->mode() == role::client;
  if (!output_ended_) session_->shut_down(*this);
  std::string rest = session_->take_unsent();
  state_ = state::failed;
  unique_fd same{(rest.empty() && !unheard) || via_ == nullptr ? -1 : ::dup(fd())};
  if (!same) return;
  try {
    via_->spawn(part(*via_, std::move(same), std::move(rest), unheard), "closing");
  } catch (const std::bad_alloc&) {
    return;  // the peer sees an end without notice
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
  if (!copas::stream::may_receive()) return blocked();
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
