// Contexts, and the making of connections. Whatever Lua may raise an error from is kept by a userdata meanwhile.
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "lua/blocking.hpp"
#include "lua/guard.hpp"
#include "lua/tls.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

using context_object = userdata<tls::context_ptr>;
using parameters_object = userdata<tls::parameters>;
using contexts_object = userdata<std::map<std::string, tls::context_ptr>>;

// Upvalue 2 of those functions that need the library.
tls::engine& engine_of(lua_State* L) { return *static_cast<tls::engine*>(lua_touserdata(L, lua_upvalueindex(2))); }

// The string in field `key` of the table on top of the stack; empty if it has none.
std::string string_field(lua_State* L, const char* key) {
  lua_getfield(L, -1, key);
  std::size_t length = 0;
  const char* const text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : nullptr;
  lua_pop(L, 1);  // the table has it still
  return text == nullptr ? std::string{} : std::string{text, length};
}

bool flag_field(lua_State* L, const char* key) {
  lua_getfield(L, -1, key);
  const bool value = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return value;
}

void read_strings(lua_State* L, const char* key, std::vector<std::string>& into) {
  lua_getfield(L, -1, key);
  if (lua_istable(L, -1)) {
    for (lua_Integer each = 1;; ++each) {
      lua_rawgeti(L, -1, static_cast<int>(each));
      std::size_t length = 0;
      const char* const text = lua_tolstring(L, -1, &length);
      if (text != nullptr) into.emplace_back(text, length);
      lua_pop(L, 1);
      if (text == nullptr) break;
    }
  }
  lua_pop(L, 1);
}

void read_keys(lua_State* L, std::vector<tls::key_pair>& into) {
  lua_getfield(L, -1, "keys");
  for (int each = 1; lua_istable(L, -1); ++each) {
    lua_rawgeti(L, -1, each);
    if (!lua_istable(L, -1)) {
      lua_pop(L, 1);
      break;
    }
    tls::key_pair& pair = into.emplace_back();
    pair.certificate = string_field(L, "certificate");
    pair.key = string_field(L, "key");
    if (flag_field(L, "password")) pair.password = string_field(L, "password");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

// The table on top of the stack as lua/copas/tls.lua has checked it.
void read_parameters(lua_State* L, tls::parameters& into) {
  into.mode = flag_field(L, "server") ? tls::role::server : tls::role::client;
  into.protocol = string_field(L, "protocol");
  read_keys(L, into.keys);
  into.ca_file = string_field(L, "cafile");
  into.ca_path = string_field(L, "capath");
  into.default_trust = flag_field(L, "default_trust");
  into.verify_host = flag_field(L, "verify_host");
  read_strings(L, "verify", into.verify);
  if (into.verify.empty()) into.verify = {"none"};
  read_strings(L, "verifyext", into.verify_extras);
  lua_getfield(L, -1, "depth");
  if (lua_isnumber(L, -1)) into.depth = static_cast<int>(lua_tonumber(L, -1));
  lua_pop(L, 1);
  into.options.clear();
  read_strings(L, "options", into.options);
  into.ciphers = string_field(L, "ciphers");
  into.cipher_suites = string_field(L, "ciphersuites");
  into.dh_parameters = string_field(L, "dhparam");
  into.curve = string_field(L, "curve");
  into.curves = string_field(L, "curveslist");
  read_strings(L, "alpn", into.protocols);
  into.asks_for_protocols = flag_field(L, "asks_for_protocols");
  into.dane = flag_field(L, "dane");
  into.dane_without_names = flag_field(L, "dane_without_names");
}

// context(parameters): a context; or nil, why, and whether a password is wanted
int make_context(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  tls::parameters& wanted = parameters_object::push(L);
  lua_insert(L, 1);
  read_parameters(L, wanted);
  tls::context_ptr& made = context_object::push(L);
  std::string& why = userdata<std::string>::push(L);
  bool wants_password = false;
  {
    auto outcome = engine_of(L).make_context(wanted);
    if (outcome) {
      made = *std::move(outcome);
    } else {
      why = std::move(outcome.error().text);
      wants_password = outcome.error().wants_password;
    }
  }
  if (made) {
    lua_pop(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushlstring(L, why.data(), why.size());
  lua_pushboolean(L, wants_password ? 1 : 0);
  return 3;
}

// is_context(value): "client" or "server" if it is a context of ours, else nil
int is_context(lua_State* L) {
  const tls::context_ptr* const found = context_object::to(L, 1);
  if (found == nullptr) return 0;
  lua_pushstring(L, (*found)->mode() == tls::role::server ? "server" : "client");
  return 1;
}

int load_certificate(lua_State* L) {
  std::size_t length = 0;
  const char* const pem = luaL_checklstring(L, 1, &length);
  tls::certificate_ptr& loaded = push_empty_certificate(L);
  loaded = engine_of(L).load_certificate({pem, length});
  if (!loaded) lua_pushnil(L);
  return 1;
}

int option_names(lua_State* L) {
  auto& names = userdata<std::vector<std::string>>::keep(L);
  names = engine_of(L).option_names();
  push_strings(L, names);
  return 1;
}

int curve_names(lua_State* L) {
  auto& names = userdata<std::vector<std::string>>::keep(L);
  names = engine_of(L).curve_names();
  push_strings(L, names);
  return 1;
}

// stamp(file): bytes that change when the file does; nil if there is none
int file_stamp(lua_State* L) {
  struct stat found{};
  if (::stat(luaL_checkstring(L, 1), &found) != 0) return 0;
  const std::array stamp{static_cast<std::uint64_t>(found.st_mtim.tv_sec),
                         static_cast<std::uint64_t>(found.st_mtim.tv_nsec), static_cast<std::uint64_t>(found.st_size),
                         static_cast<std::uint64_t>(found.st_ino)};
  lua_pushlstring(L, reinterpret_cast<const char*>(stamp.data()), sizeof stamp);
  return 1;
}

// turn(): the number of the loop's turn that runs; nil if none does
int turn_number(lua_State* L) {
  const loop* const running = state::of(L).newest_loop();
  if (running == nullptr || running->current() == nullptr) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(running->polls()));
  return 1;
}

// is_socket(value): is it a native socket?
int is_socket(lua_State* L) {
  lua_pushboolean(L, socket_object::to(L, 1) != nullptr ? 1 : 0);
  return 1;
}

// mode(connection): "client" or "server"
int mode_of(lua_State* L) {
  const tls::role mode = secured_stream(check_connection(L, 1)).session().mode();
  lua_pushstring(L, mode == tls::role::server ? "server" : "client");
  return 1;
}

// secure(context, native socket), secure(context, descriptor, bytes that were read from it): a connection, or nil and an
// error
int secure(lua_State* L) {
  const tls::context_ptr& by = context_object::check(L, 1, "SSL:Context expected");
  socket_object* const plain = socket_object::to(L, 2);
  if (plain == nullptr) luaL_checkinteger(L, 2);
  std::size_t early_length = 0;
  const char* const early = plain == nullptr ? luaL_optlstring(L, 3, "", &early_length) : "";
  if (plain != nullptr && (plain->kind() == socket_kind::tls || plain->role() != socket_role::client)) {
    refuse_class(L, 2, {plain->kind(), socket_role::client});
  }
  socket_object& made =
      socket_object::push(L, state::of(L), {socket_kind::tls, socket_role::client}, family::unspecified);
  bool done = false;
  {
    ref<tls::stream> connection;
    if (plain != nullptr) {
      connection = tls::stream::over(plain->connection(), *by);
    } else if (auto session = by->open()) {
      connection = ref{new tls::stream{unique_fd{static_cast<int>(lua_tointeger(L, 2))}, std::move(session),
                                       std::string{early, early_length}}};
    }
    done = static_cast<bool>(connection);
    if (done) made.carry(ref<copas::socket>{connection.get()});
  }
  if (!done) return luaL_error(L, "not enough memory");
  if (plain != nullptr) {
    made.limits = plain->limits;
    made.client = plain->client;
    made.inet = plain->inet;
    made.gathers = plain->gathers;
  }
  return 1;
}

// resume(connection, earlier): takes up the session of another connection
int resume(lua_State* L) {
  secured_stream(check_connection(L, 1)).session().resume(secured_stream(check_connection(L, 2)).session());
  return 0;
}

// expect(connection, name): the peer's certificate has to be for it
int expect_name(lua_State* L) {
  secured_stream(check_connection(L, 1)).session().expect(luaL_checkstring(L, 2));
  return 0;
}

// offered(connection): what the client offers by ALPN
int offered_protocols(lua_State* L) {
  const tls::session& asked = secured_stream(check_connection(L, 1)).session();
  auto& offered = userdata<std::vector<std::string>>::keep(L);
  offered = asked.offered_protocols();
  push_strings(L, offered);
  return 1;
}

// choose(connection, { protocols = names }): the answer
int choose_protocols(lua_State* L) {
  tls::session& asking = secured_stream(check_connection(L, 1)).session();
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  tls::parameters& answer = parameters_object::push(L);
  lua_insert(L, 2);
  read_strings(L, "protocols", answer.protocols);
  asking.choose_protocols(std::move(answer.protocols));
  return 0;
}

// sni(connection, name), sni(connection, contexts by name, strict)
int serve_names(lua_State* L) {
  tls::session& asked = secured_stream(check_connection(L, 1)).session();
  if (lua_type(L, 2) == LUA_TSTRING) {
    asked.ask_for(lua_tostring(L, 2));
    return 0;
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  const bool strict = lua_toboolean(L, 3) != 0;
  lua_settop(L, 2);
  auto& by_name = contexts_object::push(L);
  lua_pushnil(L);
  while (lua_next(L, 2) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "string expected as the name of a context");
    const tls::context_ptr* const found = context_object::to(L, -1);
    if (found == nullptr) luaL_error(L, "SSL:Context expected for '%s'", lua_tostring(L, -2));
    by_name[lua_tostring(L, -2)] = *found;
    lua_pop(L, 1);
  }
  asked.serve(std::move(by_name), strict);
  return 0;
}

void set_engine_function(lua_State* L, const char* name, lua_CFunction function, tls::engine& by) {
  state::push(L);
  lua_pushlightuserdata(L, &by);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}

}  // namespace

void push_tls_functions(lua_State* L, tls::engine& by) {
  context_object::define(L, "SSL context");
  parameters_object::define(L, "parameters");
  contexts_object::define(L, "contexts");
  userdata<std::string>::define(L, "text");
  define_certificates(L);
  register_tls_connections(L);
  lua_newtable(L);
  set_engine_function(L, "context", guarded<make_context>, by);
  set_engine_function(L, "certificate", guarded<load_certificate>, by);
  set_engine_function(L, "option_names", guarded<option_names>, by);
  set_engine_function(L, "curve_names", guarded<curve_names>, by);
  set_function(L, "is_context", guarded<is_context>);
  set_function(L, "is_socket", guarded<is_socket>);
  set_function(L, "mode", guarded<mode_of>);
  set_function(L, "stamp", guarded<file_stamp>);
  set_function(L, "turn", guarded<turn_number>);
  set_function(L, "secure", guarded<secure>);
  set_function(L, "expect", guarded<expect_name>);
  set_function(L, "resume", guarded<resume>);
  set_function(L, "offered", guarded<offered_protocols>);
  set_function(L, "choose", guarded<choose_protocols>);
  set_function(L, "sni", guarded<serve_names>);
  push_methods(L, {socket_kind::tls, socket_role::client});
  lua_setfield(L, -2, "connection_methods");
}

}  // namespace copas::lua
