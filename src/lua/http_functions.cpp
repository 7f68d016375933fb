// The native part of copas.http: what requests and responses say, the connections that are kept, and the one wait. The
// rest is in lua/copas/http*.lua.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "copas/http/message.hpp"
#include "copas/http/policy.hpp"
#include "copas/http/pool.hpp"
#include "copas/http/receive.hpp"
#include "copas/http/url.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/operations.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

// A reader, and how many of its headers Lua has got.
struct lua_reader {
  http::response_reader of;
  std::size_t known = 0;
};

using reader_object = userdata<lua_reader>;
using pool_object = userdata<http::connection_pool>;

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
  const double most_body = luaL_optnumber(L, 6, -1);
  if (most_body >= 0 && most_body < 1e18) body.most_body = static_cast<std::uint64_t>(most_body);
  if (lua_reader* const spare = reader_object::to(L, 1)) {
    spare->of.restart(rules, body);
    lua_pushvalue(L, 1);
  } else {
    reader_object::push(L, lua_reader{http::response_reader{rules, body}});
  }
  return 1;
}

void set_part(lua_State* L, const char* name, const http::url_parts::part& part) {
  if (!part) return;
  lua_pushlstring(L, part->data(), part->size());
  lua_setfield(L, -2, name);
}

// split(url): its parts, by the names that LuaSocket gives them; nil and an error for an empty one
int split(lua_State* L) {
  const std::string_view text = optional_bytes(L, 1);
  if (text.empty()) {
    lua_pushnil(L);
    lua_pushliteral(L, "invalid url");
    return 2;
  }
  const http::url_parts parts = http::split_url(text);
  lua_createtable(L, 0, 24);  // for what a request adds
  set_part(L, "scheme", parts.scheme);
  set_part(L, "authority", parts.authority);
  set_part(L, "userinfo", parts.userinfo);
  set_part(L, "user", parts.user);
  set_part(L, "password", parts.password);
  set_part(L, "host", parts.host);
  set_part(L, "port", parts.port);
  set_part(L, "path", parts.path);
  set_part(L, "params", parts.params);
  set_part(L, "query", parts.query);
  set_part(L, "fragment", parts.fragment);
  return 1;
}

// Pushes a string that `make` makes, which is pinned while Lua copies it.
template <class Make>
int push_made(lua_State* L, Make make) {
  state& shared = state::of(L);
  const std::size_t pinned = shared.pin(received{.error = {}, .memory = {}, .text = {}});
  make(shared.pinned_text(pinned));
  shared.push_pinned(L, pinned);
  return 1;
}

// resolve(base, reference): a URL
int resolve_url(lua_State* L) {
  const std::string_view base = optional_bytes(L, 1);
  const std::string_view reference = optional_bytes(L, 2);
  return push_made(L, [&](std::string& made) { made = http::resolve(base, reference); });
}

int valid_host(lua_State* L) {
  lua_pushboolean(L, http::valid_host(optional_bytes(L, 1)) ? 1 : 0);
  return 1;
}

// port(text): a number; nil if it is none
int port(lua_State* L) {
  const auto found = http::parse_port(optional_bytes(L, 1));
  if (!found) return 0;
  lua_pushinteger(L, *found);
  return 1;
}

// redirects(code, method)
int redirects(lua_State* L) {
  lua_pushboolean(L, http::redirects(static_cast<int>(luaL_checkinteger(L, 1)), optional_bytes(L, 2)) ? 1 : 0);
  return 1;
}

// idempotent(method)
int idempotent(lua_State* L) {
  lua_pushboolean(L, http::is_idempotent(optional_bytes(L, 1)) ? 1 : 0);
  return 1;
}

// is_private(name of a header)
int is_private(lua_State* L) {
  lua_pushboolean(L, http::is_private(optional_bytes(L, 1)) ? 1 : 0);
  return 1;
}

// bypasses(no_proxy, host, port)
int bypasses(lua_State* L) {
  const auto to = static_cast<std::uint16_t>(luaL_checkinteger(L, 3));
  lua_pushboolean(L, http::bypasses_proxy(optional_bytes(L, 1), optional_bytes(L, 2), to) ? 1 : 0);
  return 1;
}

// basic(user, password): the value of the header `authorization`
int basic(lua_State* L) {
  const std::string_view user = optional_bytes(L, 1);
  const std::string_view password = optional_bytes(L, 2);
  return push_made(L, [&](std::string& made) { made = http::basic_credentials(user, password); });
}

// chunk(bytes)
int chunk(lua_State* L) {
  const std::string_view bytes = optional_bytes(L, 1);
  return push_made(L, [&](std::string& made) { http::append_chunk(made, bytes); });
}

int push_reason(lua_State* L, std::error_code why) {
  lua_pushnil(L);
  lua_pushstring(
      L, why == http::make_error_code(http::error::invalid_method) ? "invalid method" : "invalid request target");
  return 2;
}

// Pushes "what 'name'".
int refuse_field(lua_State* L, const char* what, int name) {
  const char* const text = luaL_tolstring(L, name, nullptr);
  lua_pushnil(L);
  lua_pushfstring(L, "%s '%s'", what, text);
  return 2;
}

// lines(headers, usual spelling of names): the header lines and the empty line; nil and what is wrong with one.
// head(method, target, headers, usual spelling): the same behind a request line.
template <bool WithRequestLine>
int write_head(lua_State* L) {
  constexpr int headers = WithRequestLine ? 3 : 1;
  constexpr int spelling = headers + 1;
  const std::string_view method = WithRequestLine ? optional_bytes(L, 1) : "";
  const std::string_view target = WithRequestLine ? optional_bytes(L, 2) : "";
  luaL_checktype(L, headers, LUA_TTABLE);
  luaL_checktype(L, spelling, LUA_TTABLE);
  lua_settop(L, spelling);
  state& shared = state::of(L);
  const std::size_t pinned = shared.pin(received{.error = {}, .memory = {}, .text = {}});
  std::string& made = shared.pinned_text(pinned);
  made.reserve(256);
  if (WithRequestLine) {
    const std::error_code wrong = http::append_request_line(made, method, target);
    if (wrong) return shared.unpin(pinned), push_reason(L, wrong);
  }
  lua_pushnil(L);
  while (lua_next(L, headers) != 0) {
    const int name = lua_gettop(L) - 1;
    if (lua_type(L, name) != LUA_TSTRING) return shared.unpin(pinned), refuse_field(L, "invalid header name", name);
    const int kind = lua_type(L, name + 1);
    if (kind != LUA_TSTRING && kind != LUA_TNUMBER)
      return shared.unpin(pinned), refuse_field(L, "invalid value of header", name);
    lua_pushvalue(L, name);
    lua_rawget(L, spelling);
    const int spelt = lua_type(L, -1) == LUA_TSTRING ? lua_gettop(L) : name;
    std::size_t length = 0;
    const char* const text = lua_tolstring(L, name + 1, &length);
    std::size_t name_length = 0;
    const char* const name_text = lua_tolstring(L, spelt, &name_length);
    const std::error_code wrong = http::append_field(made, {name_text, name_length}, {text, length});
    if (wrong) {
      shared.unpin(pinned);
      const bool by_name = wrong == http::make_error_code(http::error::invalid_field_name);
      return refuse_field(L, by_name ? "invalid header name" : "invalid value of header", name);
    }
    lua_settop(L, name);
  }
  made += "\r\n";
  shared.push_pinned(L, pinned);
  return 1;
}

// Upvalue 3 of the functions of the pool.
http::connection_pool& pool_of(lua_State* L) {
  scheduler::of(L);  // raises an error if it is closed
  return *pool_object::to(L, lua_upvalueindex(3));
}

// The connections that are kept have their objects, what Lua calls them by, in a table by their address, upvalue 4. It may
// have more, which were closed meanwhile.

// take(key): the object of a connection that is good; nil if there is none
int take(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  std::size_t length = 0;
  const char* const key = luaL_checklstring(L, 1, &length);
  if (pool.size() == 0) return 0;
  const void* address = nullptr;
  {
    const ref<stream> found = pool.take({key, length});
    if (!found) return 0;
    address = found.get();  // the object holds it, too
  }
  lua_rawgetp(L, lua_upvalueindex(4), address);
  lua_pushnil(L);
  lua_rawsetp(L, lua_upvalueindex(4), address);
  return 1;
}

// put(key, object, native connection): keeps it, or closes it; true if it is kept
int put(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  std::size_t length = 0;
  const char* const key = luaL_checklstring(L, 1, &length);
  const socket_object* const object = socket_object::to(L, 3);
  if (object == nullptr || object->role() != socket_role::client) {
    refuse_argument(L, 3, "native connection expected");
  }
  lua_pushvalue(L, 2);
  lua_rawsetp(L, lua_upvalueindex(4), &object->connection());
  pool.put({key, length}, object->stream());
  lua_pushboolean(L, object->socket().open() ? 1 : 0);
  return 1;
}

// keep(connections for each key, all together, seconds)
int keep(lua_State* L) {
  http::connection_pool& pool = pool_of(L);
  http::connection_pool::limits most = pool.limit();
  most.per_key = static_cast<std::size_t>(luaL_optinteger(L, 1, static_cast<lua_Integer>(most.per_key)));
  most.total = static_cast<std::size_t>(luaL_optinteger(L, 2, static_cast<lua_Integer>(most.total)));
  if (!lua_isnoneornil(L, 3)) most.idle = from_seconds(luaL_checknumber(L, 3));
  pool.limit(most);
  return 0;
}

// kept(): how many connections nobody uses
int kept(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(pool_of(L).size()));
  return 1;
}

// forget(): closes those
int forget(lua_State* L) {
  pool_of(L).clear();
  return 0;
}

// http(): what copas.http is built on
int native_http(lua_State* L) {
  lua_settop(L, 0);
  reader_object::define(L, "reader");
  pool_object::define(L, "pool");
  pool_object::push(L, scheduler::of(L).loop());
  lua_newtable(L);
  constexpr luaL_Reg functions[] = {
      {"basic", guarded<basic>},
      {"idempotent", guarded<idempotent>},
      {"begun", guarded<begun>},
      {"bypasses", guarded<bypasses>},
      {"is_private", guarded<is_private>},
      {"redirects", guarded<redirects>},
      {"chunk", guarded<chunk>},
      {"complete", guarded<complete>},
      {"feed", guarded<feed>},
      {"finish", guarded<finish>},
      {"forget", guarded<forget>},
      {"head", guarded<write_head<true>>},
      {"keep", guarded<keep>},
      {"keeps", guarded<keeps>},
      {"kept", guarded<kept>},
      {"lines", guarded<write_head<false>>},
      {"port", guarded<port>},
      {"put", guarded<put>},
      {"reader", guarded<make_reader>},
      {"receive", guarded<receive<http::body_use::deliver>>},
      {"discard", guarded<receive<http::body_use::discard>>},
      {"resolve", guarded<resolve_url>},
      {"restart", guarded<restart>},
      {"split", guarded<split>},
      {"take", guarded<take>},
      {"trailers", guarded<trailers>},
      {"valid_host", guarded<valid_host>},
      {"wanted", guarded<wanted>},
  };
  lua_newtable(L);
  for (const luaL_Reg& each : functions) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_pushcclosure(L, each.func, 4);
    lua_setfield(L, 2, each.name);
  }
  lua_pushvalue(L, 3);
  lua_setfield(L, 2, "objects");
  lua_settop(L, 2);
  return 1;
}

}  // namespace

void add_http_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "http", guarded<native_http>);
}

}  // namespace copas::lua
