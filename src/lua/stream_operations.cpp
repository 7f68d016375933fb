// Receiving, sending, connecting and accepting for threads.

#include <string>
#include <utility>

#include "copas/net/connect_to_host.hpp"
#include "copas/net/tcp.hpp"
#include "copas/net/unix.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/lookups.hpp"
#include "lua/operations.hpp"
#include "lua/perform.hpp"
#include "lua/results.hpp"
#include "lua/scheduler.hpp"
#include "lua/tls.hpp"
#include "lua/unix.hpp"

namespace copas::lua {
namespace {

// A send that remembers which part of the string it was asked for. It goes on where `stream::send_at_once` came to its end.
class ranged_send final : public send_operation {
 public:
  /// @param begun  how many of its bytes are on their way already.
  ranged_send(copas::loop* home, ref<copas::stream> to, const send_range& range, std::size_t begun) noexcept
      : send_operation{home, std::move(to), range.bytes(), never, begun}, range_{range} {}
  [[nodiscard]] const send_range& range() const noexcept { return range_; }

 private:
  send_range range_;
};

// An accept that leaves the connection with the object it is for, and may leave those that have come already to the next
// turn. The object is anchored by the wait.
class accept_for_object final : public accept_operation {
 public:
  accept_for_object(copas::loop* home, socket_object& server, readiness::wants what) noexcept
      : accept_operation{home, server.listener()}, server_{server}, at_once_{what == readiness::wants::readiness} {
    if (!at_once_) wait_for_news();
  }

  [[nodiscard]] bool await_ready() noexcept {
    const bool closed = !server_.socket().open();  // there is nothing to wait for
    return (at_once_ || closed) && accept_operation::await_ready();
  }
  [[nodiscard]] socket_object& server() const noexcept { return server_; }

 private:
  socket_object& server_;
  bool at_once_;
};

// Does the running thread want the words of the library below, instead of "timeout"?
bool wants_own_words(scheduler& owner) noexcept {
  const thread* const running = owner.shared().current;
  return running != nullptr && running->wants_own_words;
}

// How connecting ended: 1, nil or nil, error.
template <class Connect>
struct connect_outcome {
  static std::error_code take(scheduler&, const Connect& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler& owner, const std::error_code& error) {
    if (!error) {
      push_one(L);
      lua_pushnil(L);
      return 2;
    }
    const bool own_words = error == errc::timed_out && wants_own_words(owner);
    return push_failure(L, own_words ? make_error_code(std::errc::connection_already_in_progress) : error);
  }
};

}  // namespace

template <>
struct conversion<receive_operation> {
  static received_bytes take(scheduler& owner, receive_operation& op) {
    const bool secured = op.from().encrypted();
    const bool partial = op.pattern().partial;
    received_bytes outcome = take_received(owner.shared(), op);
    if (secured && outcome.error == errc::timed_out && (partial || wants_own_words(owner))) outcome.word = "wantread";
    return outcome;
  }
  static int push(lua_State* L, scheduler& owner, const received_bytes& outcome) {
    return push_received(L, owner.shared(), outcome);
  }
};

template <>
struct conversion<ranged_send> {
  struct outcome {
    send_range range;
    transfer moved;
    const char* word;
  };
  static outcome take(scheduler& owner, const ranged_send& op) noexcept {
    const transfer moved = op.await_resume();
    const bool own_word = op.to().encrypted() && moved.error == errc::timed_out && wants_own_words(owner);
    return {op.range(), moved, own_word ? "wantwrite" : nullptr};
  }
  static int push(lua_State* L, scheduler&, const outcome& sent) {
    return push_sent(L, sent.range, sent.moved, sent.word);
  }
};

template <>
struct conversion<connect_to_host> : connect_outcome<connect_to_host> {};

template <>
struct conversion<unix_connect_operation> : connect_outcome<unix_connect_operation> {};

// true; nil and the word for a timeout; false and why; or "protocols" where the session waits for an answer.
template <>
struct conversion<tls::handshake_operation> {
  struct outcome {
    std::error_code error;
    bool wants_protocols = false;
    side waited_for = side::read;
  };
  static outcome take(scheduler&, const tls::handshake_operation& op) noexcept {
    return {op.await_resume(), op.wants_protocols(), op.which()};
  }
  static int push(lua_State* L, scheduler& owner, const outcome& ended) {
    if (ended.wants_protocols) {
      lua_pushliteral(L, "protocols");
      return 1;
    }
    if (ended.error == errc::timed_out) {
      lua_pushnil(L);
      lua_pushstring(L, !wants_own_words(owner)           ? "timeout"
                        : ended.waited_for == side::write ? "wantwrite"
                                                          : "wantread");
      return 2;
    }
    lua_pushboolean(L, ended.error ? 0 : 1);
    if (!ended.error) return 1;
    push_error(L, ended.error);
    return 2;
  }
};

// True; nil and an error.
template <>
struct conversion<accept_for_object> {
  static std::error_code take(scheduler&, accept_for_object& op) noexcept {
    auto accepted = op.await_resume();
    if (!accepted) return accepted.error();
    op.server().accepted = *std::move(accepted);
    return {};
  }
  static int push(lua_State* L, scheduler&, const std::error_code& error) {
    if (error) return push_failure(L, error);
    lua_pushboolean(L, 1);
    return 1;
  }
};

namespace {

void check_client(lua_State* L, const socket_object& object) {
  if (object.role() != socket_role::client) refuse_class(L, 1, {object.kind(), socket_role::client});
}

int await_connect_to_path(lua_State* L, const socket_object& object) {
  thread& self = scheduler::running_thread(L);
  const auto to = check_path(L, 2);
  if (!to) return push_failure(L, to.error());
  return self.await_for<unix_connect_operation>(L, effective(object.limits.connect), {.socket = 1, .text = 0},
                                                &self.owner().loop(), object.stream(), *to);
}

int await_connect_to_host(lua_State* L, socket_object& object) {
  const char* const host = check_string(L, 2);
  const char* const service = check_string(L, 3);
  thread& self = scheduler::running_thread(L);
  object.become(L, 1, socket_role::client);
  names& lookups = self.owner().shared().names();
  const request_words what{.host = host, .service = service, .wanted = object.inet};
  if (what.names_nobody()) return push_failure(L, nobody());
  if (!lookups.has_engine() && !lookups.of(self.owner()).known(what.request())) lookups.load_engine(L);
  return self.await_for<connect_to_host>(L, effective(object.limits.connect), {.socket = 1, .text = 0},
                                         lookups.of(self.owner()), object.stream(), what.request());
}

}  // namespace

int await_receive(lua_State* L, const socket_object& object, int socket, int count, completeness wanted) {
  check_client(L, object);
  receive_pattern pattern;
  std::string_view prefix;
  if (count > 1 && !is_left_out(L, 2)) pattern = check_pattern(L, 2);
  if (count > 2) prefix = optional_bytes(L, 3);
  pattern.partial = wanted == completeness::partial;
  const std::chrono::nanoseconds limit = effective(object.limits.receive);
  const operands in_use{.socket = socket, .text = 0};
  thread* const running = object.home().current;
  if (running != nullptr && prefix.empty() && !object.connection().input().empty()) {
    running->begin_operation(L);
    const auto found = object.connection().receive_at_once(running->owner().loop(), pattern, received_bytes::few);
    if (found) return push_few(L, object.connection(), *found);
  }
  if (prefix.empty()) return perform<receive_operation>(L, object, limit, in_use, object.stream(), pattern);
  return perform<receive_operation>(L, object, limit, in_use, object.stream(), pattern, std::string{prefix});
}

int await_send(lua_State* L, const socket_object& object, int socket, int count) {
  check_client(L, object);
  const send_range range = count > 2 ? check_send_range(L, 2) : check_whole_string(L, 2);
  const std::chrono::nanoseconds limit = effective(object.limits.send);
  moved gone;
  if (thread* const running = object.home().current) [[likely]] {
    running->begin_operation(L);
    gone = object.connection().send_at_once(running->owner().loop(), range.bytes(), {.timeout = limit});
    const bool failed = gone.error && !gone.blocked();
    if (failed || (gone.bytes == range.bytes().size() && gone.bytes > 0)) {
      return push_sent(L, range, {.bytes = gone.bytes, .error = gone.error}, nullptr);
    }
  }
  return perform<ranged_send>(L, object, limit, {.socket = socket, .text = 2}, object.stream(), range, gone.bytes);
}

int await_connect(lua_State* L, socket_object& object) {
  if (object.role() == socket_role::server) refuse_class(L, 1, {object.kind(), socket_role::client});
  if (object.kind() == socket_kind::tls) {
    if (!object.socket().open()) return push_failure(L, errc::closed);
    return push_failure(L, make_error_code(std::errc::already_connected));
  }
  object.blocking.block = 0;
  return object.kind() == socket_kind::tcp ? await_connect_to_host(L, object) : await_connect_to_path(L, object);
}

int await_handshake(lua_State* L, const socket_object& object) {
  thread& self = scheduler::running_thread(L);
  return self.await_for<tls::handshake_operation>(L, effective(object.limits.connect), {.socket = 1, .text = 0},
                                                  &self.owner().loop(), ref{&secured_stream(object)});
}

int await_accept(lua_State* L, socket_object& object, readiness::wants what) {
  thread& self = scheduler::running_thread(L);
  object.accepted = {};  // for which there could be no object
  return self.await<accept_for_object>(L, {.socket = 1, .text = 0}, &self.owner().loop(), object, what);
}

}  // namespace copas::lua
