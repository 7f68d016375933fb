// What requests say: URLs, heads, credentials, and what may be done with which of them.

#include <cstdint>
#include <string>
#include <string_view>

#include "copas/http/error.hpp"
#include "copas/http/message.hpp"
#include "copas/http/policy.hpp"
#include "copas/http/url.hpp"
#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/http_functions.hpp"

namespace copas::lua {
namespace {

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

}  // namespace

std::span<const luaL_Reg> http_text_functions() noexcept {
  static constexpr luaL_Reg functions[] = {
      {"basic", guarded<basic>},
      {"bypasses", guarded<bypasses>},
      {"chunk", guarded<chunk>},
      {"head", guarded<write_head<true>>},
      {"idempotent", guarded<idempotent>},
      {"is_private", guarded<is_private>},
      {"lines", guarded<write_head<false>>},
      {"port", guarded<port>},
      {"redirects", guarded<redirects>},
      {"resolve", guarded<resolve_url>},
      {"split", guarded<split>},
      {"valid_host", guarded<valid_host>},
  };
  return functions;
}

}  // namespace copas::lua
