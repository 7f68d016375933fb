#pragma once

#include <exception>
#include <expected>
#include <functional>
#include <type_traits>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/scope.hpp"
#include "copas/core/task.hpp"
#include "copas/io/listener.hpp"
#include "copas/io/option.hpp"

namespace copas {

/// A listening socket, owned, whose connections are `Stream`s. Destroying it closes it and ends whatever waits on it.
template <class Stream>
class listener_handle : public with_options<listener_handle<Stream>> {
 public:
  class accept_awaitable;

  listener_handle(listener_handle&&) = default;
  listener_handle& operator=(listener_handle&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(listener_, other.listener_);
    return *this;
  }
  ~listener_handle() {
    if (listener_) listener_->close();
  }

  /// Waits for a connection.
  ///
  /// @param until  when to give up.
  /// @error errc::closed     the listener was closed. Lack of descriptors is no error: the listener rests.
  /// @error errc::timed_out  `until` passed first.
  /// @error std::bad_alloc   there is no memory for the connection, which is closed.
  [[nodiscard]] accept_awaitable accept(deadline until = never) noexcept { return {*home_, listener_, until}; }

  /// Closes it; whoever waits in `accept` gets `errc::closed`.
  void close() noexcept { listener_->close(); }

  /// The descriptor, which stays the listener's; -1 once it is closed.
  [[nodiscard]] int fd() const noexcept { return listener_->fd(); }

 protected:
  listener_handle(loop& home, unique_fd fd) : home_{&home}, listener_{new listener{std::move(fd)}} {}

 private:
  loop* home_;
  ref<listener> listener_;
};

template <class Stream>
class [[nodiscard]] listener_handle<Stream>::accept_awaitable final {
 public:
  accept_awaitable(loop& home, ref<listener> at, deadline until) noexcept
      : home_{home}, accept_{&home, std::move(at), until} {}

  bool await_ready() noexcept { return accept_.await_ready(); }
  void await_suspend(waiter who) noexcept { accept_.await_suspend(who); }
  result<Stream> await_resume() {
    auto connection = accept_.await_resume();
    if (!connection) return std::unexpected{connection.error()};
    return Stream{home_, std::move(*connection)};
  }

 private:
  loop& home_;
  accept_operation accept_;
};

/// Accepts connections until the listener is closed, and runs `handler` for each in a task of its own.
///
/// When the listener is closed it waits until the tasks have ended; if it is destroyed, they are cancelled. A task's
/// exception goes to the loop's error handler, and so does one of `handler` itself, or lack of memory for a connection,
/// which is closed: serving goes on.
///
/// @param at       outlives the task.
/// @param handler  called with each connection, which it owns; destroying that closes it.
template <class Stream>
[[nodiscard]] task<> serve(loop& home, listener_handle<Stream>& at,
                           std::type_identity_t<std::function<task<>(Stream)>> handler) {
  scope connections{home, "connection"};
  for (bool open = true; open;) {
    try {
      auto connection = co_await at.accept();
      open = connection.has_value();
      if (open) connections.spawn(handler(std::move(*connection)));
    } catch (...) {  // the others shall not end for what one has thrown before it was a task
      home.report(std::current_exception(), *home.current());
    }
  }
  co_await connections.join();
}

}  // namespace copas
