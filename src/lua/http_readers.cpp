// Responses as copas.http reads them: a reader for each, fed by a connection or by the program.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "copas/http/error.hpp"
#include "copas/http/message.hpp"
#include "copas/http/receive.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/http_functions.hpp"
#include "lua/operations.hpp"
#include "lua/scheduler.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

// A reader, and how many of its headers Lua has got.
struct lua_reader {
  lua_reader(const http::response_rules& rules, const http::body_rules& body) : of{rules, body} {}
  http::response_reader of;
  std::size_t known = 0;
};

using reader_object = userdata<lua_reader>;

lua_reader& check_reader(lua_State* L, int index) { return reader_object::check(L, index, "reader expected"); }

// What happened, in a form that nothing has to be destroyed of.
struct lua_event {
  lua_reader* by;
  http::response_event what;
  std::size_t pinned;  // the piece
  std::error_code error;
};

// Adds the headers that Lua has not got yet to the table on top of the stack.
void push_headers(lua_State* L, lua_reader& by) {
  const auto& all = std::as_const(by.of).parser().headers();
  for (; by.known < all.size(); ++by.known) {
    const http::field& each = *(all.begin() + static_cast<std::ptrdiff_t>(by.known));
    lua_pushlstring(L, each.name.data(), each.name.size());
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    const bool first = lua_isnil(L, -1);
    if (first) {
      lua_pop(L, 1);
    } else {
      lua_pushliteral(L, ", ");
    }
    lua_pushlstring(L, each.value.data(), each.value.size());
    if (!first) lua_concat(L, 3);
    lua_rawset(L, -3);
  }
}

int push_failure_of(lua_State* L, const lua_event& happened) {
  lua_pushnil(L);
  if (happened.error.category() != http::category()) {
    push_error(L, happened.error);
    return 2;
  }
  char text[512];  // which may quote what was received
  {
    const std::string whole = happened.by->of.failure_text();
    text[whole.copy(text, sizeof text - 1)] = '\0';
  }
  lua_pushstring(L, text);
  return 2;
}

// The head: code, status line, headers. A piece of the body: a string. The end: nil. Nothing yet: false. A failure: nil
// and why.
int push_event(lua_State* L, state& shared, const lua_event& happened) {
  if (happened.error) return push_failure_of(L, happened);
  switch (happened.what) {
    case http::response_event::head: {
      const auto& parser = happened.by->of.parser();
      lua_pushinteger(L, parser.status());
      lua_pushlstring(L, parser.status_line().data(), parser.status_line().size());
      happened.by->known = 0;
      lua_createtable(L, 0, static_cast<int>(parser.headers().size()));
      push_headers(L, *happened.by);
      return 3;
    }
    case http::response_event::body: shared.push_pinned(L, happened.pinned); return 1;
    case http::response_event::more: lua_pushboolean(L, 0); return 1;
    default: lua_pushnil(L); return 1;
  }
}

class receive_for_lua final : public http::receive_response_operation {
 public:
  receive_for_lua(copas::loop* home, ref<copas::stream> from, lua_reader& by, std::chrono::nanoseconds patience,
                  http::body_use use) noexcept
      : receive_response_operation{home, std::move(from), by.of, patience, never, use}, by_{by} {}
  [[nodiscard]] lua_reader& by() const noexcept { return by_; }

 private:
  lua_reader& by_;
};

}  // namespace

template <>
struct conversion<receive_for_lua> {
  static lua_event take(scheduler& owner, receive_for_lua& op) {
    const auto ended = op.await_resume();
    lua_event happened{.by = &op.by(), .what = ended.what, .pinned = 0, .error = ended.error};
    if (!ended.error && ended.what == http::response_event::body) happened.pinned = owner.shared().pin(op.take_piece());
    return happened;
  }
  static int push(lua_State* L, scheduler& owner, const lua_event& happened) {
    return push_event(L, owner.shared(), happened);
  }
};

namespace {

// receive(native stream, reader): waits for the next event; see push_event
// discard(native stream, reader): the same, but for pieces of the body
template <http::body_use Use>
int receive(lua_State* L) {
  const socket_object* const object = socket_object::to(L, 1);
  if (object == nullptr || object->is_datagram() || object->role() != socket_role::client) {
    refuse_argument(L, 1, "native connection expected");
  }
  lua_reader& by = check_reader(L, 2);
  if (Use == http::body_use::discard) by.of.take_parts();
  thread& self = scheduler::running_thread(L);
  return self.await<receive_for_lua>(L, {.socket = 1, .text = 2}, &self.owner().loop(), object->stream(), by,
                                     effective(object->limits.receive), Use);
}

// The event of a step that was made with bytes from Lua.
int push_step(lua_State* L, lua_reader& by, const http::response_step& step) {
  lua_event happened{.by = &by, .what = step.what, .pinned = 0, .error = {}};
  if (step.what == http::response_event::failed) happened.error = by.of.failure();
  if (step.what == http::response_event::body) {
    received piece;
    piece.text = by.of.take(step.piece);
    happened.pinned = state::of(L).pin(std::move(piece));
  }
  return push_event(L, state::of(L), happened);
}

// feed(reader, bytes): the next event; bytes that follow a piece of the body are dropped, so they must not be there
int feed(lua_State* L) {
  lua_reader& by = check_reader(L, 1);
  const std::string_view bytes = optional_bytes(L, 2);
  http::response_step step = by.of.feed(bytes);
  for (std::size_t taken = step.taken; step.what == http::response_event::more && taken < bytes.size();
       taken += step.taken) {
    step = by.of.feed(bytes.substr(taken));
  }
  return push_step(L, by, step);
}

// finish(reader): the connection has ended
int finish(lua_State* L) {
  lua_reader& by = check_reader(L, 1);
  return push_step(L, by, by.of.finish());
}

// wanted(reader): "start", "line", "anything", a number of bytes, or nil
int wanted(lua_State* L) {
  const http::expectation next = std::as_const(check_reader(L, 1).of).parser().wanted();
  switch (next.what) {
    case http::expectation::kind::nothing: return 0;
    case http::expectation::kind::start: lua_pushliteral(L, "start"); return 1;
    case http::expectation::kind::line: lua_pushliteral(L, "line"); return 1;
    case http::expectation::kind::bytes: lua_pushnumber(L, static_cast<lua_Number>(next.count)); return 1;
    case http::expectation::kind::anything: lua_pushliteral(L, "anything"); return 1;
  }
  return 0;
}

// trailers(reader, headers): adds what came behind the body
int trailers(lua_State* L) {
  lua_reader& by = check_reader(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  push_headers(L, by);
  return 0;
}

int restart(lua_State* L) {
  check_reader(L, 1).of.restart();
  return 0;
}

// keeps(reader): may another request be sent?  begun(reader): has any byte come?  complete(reader)
int keeps(lua_State* L) {
  lua_pushboolean(L, check_reader(L, 1).of.parser().keeps_connection() ? 1 : 0);
  return 1;
}
int begun(lua_State* L) {
  lua_pushboolean(L, check_reader(L, 1).of.parser().begun() ? 1 : 0);
  return 1;
}
int complete(lua_State* L) {
  lua_pushboolean(L, check_reader(L, 1).of.parser().complete() ? 1 : 0);
  return 1;
}

bool flag(lua_State* L, int index) { return lua_toboolean(L, index) != 0; }

// reader(reader that is no longer used or nil, method, http09, decompress, most bytes of the head, of the body)
int make_reader(lua_State* L) {
  const std::string_view method = optional_bytes(L, 2);
  http::response_rules rules;
  rules.answers_head = method == "HEAD";
  rules.answers_connect = method == "CONNECT";
  rules.accepts_http09 = flag(L, 3);
  const double most_head = luaL_optnumber(L, 5, -1);
  if (most_head >= 0 && most_head < 1e15) rules.most_head = static_cast<std::size_t>(most_head);
  http::body_rules body;
  body.decompresses = flag(L, 4);
  body.whole_chunks = !body.decompresses;
  const double most_body = luaL_optnumber(L, 6, -1);
  if (most_body >= 0 && most_body < 1e18) body.most_body = static_cast<std::uint64_t>(most_body);
  if (lua_reader* const spare = reader_object::to(L, 1)) {
    spare->of.restart(rules, body);
    lua_pushvalue(L, 1);
  } else {
    reader_object::push(L, rules, body);
  }
  return 1;
}

}  // namespace

void define_http_reader(lua_State* L) { reader_object::define(L, "reader"); }

std::span<const luaL_Reg> http_reader_functions() noexcept {
  static constexpr luaL_Reg functions[] = {
      {"begun", guarded<begun>},
      {"complete", guarded<complete>},
      {"feed", guarded<feed>},
      {"finish", guarded<finish>},
      {"keeps", guarded<keeps>},
      {"reader", guarded<make_reader>},
      {"receive", guarded<receive<http::body_use::deliver>>},
      {"discard", guarded<receive<http::body_use::discard>>},
      {"restart", guarded<restart>},
      {"trailers", guarded<trailers>},
      {"wanted", guarded<wanted>},
  };
  return functions;
}

}  // namespace copas::lua
