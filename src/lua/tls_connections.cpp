// Connections, as LuaSec has them, and what it lacks.
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "lua/arguments.hpp"
#include "lua/blocking.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"
#include "lua/results.hpp"
#include "lua/socket_methods.hpp"
#include "lua/tls.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

const char* word_for(side which) noexcept { return which == side::read ? "wantread" : "wantwrite"; }

int push_closed(lua_State* L) {
  lua_pushnil(L);
  lua_pushliteral(L, "closed");
  return 2;
}

int push_text(lua_State* L, const std::string& text) {
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int push_optional(lua_State* L, const std::optional<std::string>& text) {
  if (text) return push_text(L, *text);
  lua_pushnil(L);
  return 1;
}

// The session of a connection whose handshake is finished; null if it is not.
tls::session* established(lua_State* L) {
  tls::stream& connection = secured_stream(self(L));
  return connection.open() && connection.secured() ? &connection.session() : nullptr;
}

int close_connection(lua_State* L) {
  self(L).socket().close();
  return 0;
}

int shake_hands(lua_State* L) {
  const socket_object& object = self(L);
  const char* word = nullptr;
  std::error_code error;
  {
    tls::handshake_operation shaking{object.socket().home(), ref{&secured_stream(object)}};
    perform(shaking, object.socket(), object.blocking);
    error = shaking.await_resume();
    if (error == errc::timed_out) word = word_for(shaking.which());
    if (shaking.wants_protocols()) word = "protocols";  // lua/copas/tls.lua answers
  }
  lua_pushboolean(L, !error && word == nullptr ? 1 : 0);
  if (!error && word == nullptr) return 1;
  if (word != nullptr) {
    lua_pushstring(L, word);
  } else {
    push_error(L, error);
  }
  return 2;
}

int receive(lua_State* L) {
  const socket_object& object = self(L);
  const receive_pattern pattern = check_pattern(L, 2);
  const std::string_view prefix = optional_bytes(L, 3);
  received_bytes outcome;
  {
    receive_operation receiving{object.socket().home(), object.stream(), pattern, std::string{prefix}};
    perform(receiving, object.socket(), object.blocking);
    outcome = take_received(state::of(L), receiving);
    if (outcome.error == errc::timed_out) outcome.word = word_for(side::read);
  }
  return push_received(L, state::of(L), outcome);
}

int send(lua_State* L) {
  const socket_object& object = self(L);
  const send_range range = check_send_range(L, 2);
  transfer outcome;
  {
    send_operation sending{object.socket().home(), object.stream(), range.bytes()};
    perform(sending, object.socket(), object.blocking);
    outcome = sending.await_resume();
  }
  return push_sent(L, range, outcome, outcome.error == errc::timed_out ? word_for(side::write) : nullptr);
}

int want(lua_State* L) {
  const tls::stream& connection = secured_stream(self(L));
  lua_pushstring(L, !connection.open()                                         ? "nothing"
                    : connection.holds_output()                                ? "write"
                    : const_cast<tls::stream&>(connection).session().starved() ? "read"
                                                                               : "nothing");
  return 1;
}

void set_text(lua_State* L, const char* key, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
  lua_setfield(L, -2, key);
}

// Adds what a description of a cipher says: its name, the version it came with, and words such as "Kx=ECDH".
void set_description(lua_State* L, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> names{
      {{"Kx", "key"}, {"Au", "authentication"}, {"Enc", "encryption"}, {"Mac", "mac"}}};
  bool exported = false;
  for (int position = 0; !text.empty(); ++position) {
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    const auto next = text.find_first_not_of(" \n", word.size());
    text = next == std::string_view::npos ? std::string_view{} : text.substr(next);
    if (position == 0) set_text(L, "cipher", word);
    exported = exported || word == "export";
    for (const auto& [key, field] : names) {
      if (word.starts_with(key) && word.substr(key.size()).starts_with('=')) {
        set_text(L, field, word.substr(key.size() + 1));
      }
    }
  }
  lua_pushboolean(L, exported ? 1 : 0);
  lua_setfield(L, -2, "export");
}

int info(lua_State* L) {
  const tls::session* const session = established(L);
  if (session == nullptr) return push_closed(L);
  const char* const field = luaL_optstring(L, 2, nullptr);
  tls::connection_info& found = userdata<tls::connection_info>::keep(L);
  found = session->info();
  lua_newtable(L);
  set_text(L, "protocol", found.protocol);
  if (!found.description.empty()) set_description(L, found.description);
  if (!found.compression.empty()) set_text(L, "compression", found.compression);
  lua_pushinteger(L, found.bits);
  lua_setfield(L, -2, "bits");
  lua_pushinteger(L, found.algorithm_bits);
  lua_setfield(L, -2, "algbits");
  if (field != nullptr) lua_getfield(L, -1, field);
  return 1;
}

int peer_certificate(lua_State* L) {
  const tls::session* const session = established(L);
  if (session == nullptr) return push_closed(L);
  const lua_Integer index = luaL_optinteger(L, 2, 1);
  if (index < 1) {
    lua_pushnil(L);
    lua_pushliteral(L, "invalid certificate index");
    return 2;
  }
  tls::certificate_ptr& found = push_empty_certificate(L);
  {
    auto chain = session->peer_chain();
    const auto at = static_cast<std::size_t>(index - 1);
    if (at < chain.size()) found = std::move(chain[at]);
  }
  if (!found) lua_pushnil(L);
  return 1;
}

int peer_chain(lua_State* L) {
  const tls::session* const session = established(L);
  if (session == nullptr) return push_closed(L);
  auto& chain = userdata<std::vector<tls::certificate_ptr>>::keep(L);
  chain = session->peer_chain();
  lua_newtable(L);
  int index = 0;
  for (auto& each : chain) {
    push_empty_certificate(L) = std::move(each);
    lua_rawseti(L, -2, ++index);
  }
  return 1;
}

int peer_verification(lua_State* L) {
  const tls::session* const session = established(L);
  std::string& error = userdata<std::string>::keep(L);
  error = session == nullptr ? "closed" : session->verification_error();
  auto& all = userdata<std::vector<std::vector<std::string>>>::keep(L);
  if (session != nullptr) all = session->verification_errors();
  lua_pushboolean(L, error.empty() ? 1 : 0);
  if (error.empty()) return 1;
  if (all.empty()) {
    push_text(L, error);
    return 2;
  }
  lua_newtable(L);
  int depth = 0;
  for (const auto& each : all) {
    push_strings(L, each);
    lua_rawseti(L, -2, ++depth);
  }
  return 2;
}

template <tls::party Whose>
int finished(lua_State* L) {
  const tls::session* const session = established(L);
  if (session == nullptr) return push_closed(L);
  std::string& bytes = userdata<std::string>::keep(L);
  bytes = session->finished(Whose);
  if (bytes.empty()) {
    lua_pushnil(L);
    return 1;
  }
  return push_text(L, bytes);
}

int agreed_protocol(lua_State* L) {
  const tls::session* const session = established(L);
  auto& agreed = userdata<std::optional<std::string>>::keep(L);
  if (session != nullptr) agreed = session->protocol();
  return push_optional(L, agreed);
}

int server_name(lua_State* L) {
  tls::stream& connection = secured_stream(self(L));
  auto& asked = userdata<std::optional<std::string>>::keep(L);
  if (connection.open()) asked = connection.session().server_name();
  return push_optional(L, asked);
}

// exportkeyingmaterial(label, length [, context])
int export_keying_material(lua_State* L) {
  const tls::session* const session = established(L);
  if (session == nullptr) return push_closed(L);
  std::size_t label_length = 0;
  const char* const label = luaL_checklstring(L, 2, &label_length);
  const lua_Integer length = luaL_checkinteger(L, 3);
  luaL_argcheck(L, length >= 0 && length <= 65536, 3, "invalid length");
  std::size_t about_length = 0;
  const char* const about = luaL_optlstring(L, 4, nullptr, &about_length);
  std::string& bytes = userdata<std::string>::keep(L);
  bytes = session->export_keying_material(
      {label, label_length}, static_cast<std::size_t>(length),
      about == nullptr ? std::nullopt : std::optional<std::string>{std::in_place, about, about_length});
  if (!bytes.empty()) return push_text(L, bytes);
  lua_pushnil(L);
  lua_pushliteral(L, "error exporting keying material");
  return 2;
}

int set_dane(lua_State* L) {
  tls::stream& connection = secured_stream(self(L));
  if (!connection.open()) return push_closed(L);
  tls::session& session = connection.session();
  lua_pushboolean(L, session.set_dane(luaL_checkstring(L, 2)) ? 1 : 0);
  return 1;
}

// settlsa(usage, selector, matching type, data)
int set_tlsa(lua_State* L) {
  tls::stream& connection = secured_stream(self(L));
  if (!connection.open()) return push_closed(L);
  tls::session& session = connection.session();
  const auto usage = static_cast<int>(luaL_checkinteger(L, 2));
  const auto selector = static_cast<int>(luaL_checkinteger(L, 3));
  const auto matching = static_cast<int>(luaL_checkinteger(L, 4));
  std::size_t length = 0;
  const char* const data = luaL_checklstring(L, 5, &length);
  const int outcome = session.add_tlsa(usage, selector, matching, {data, length});
  if (outcome >= 0) {
    lua_pushboolean(L, outcome > 0 ? 1 : 0);
    return 1;
  }
  lua_pushnil(L);
  lua_pushliteral(L, "malformed TLSA record");
  return 2;
}

// resumed(): did it take up the session of an earlier connection?
int resumed(lua_State* L) {
  const tls::session* const session = established(L);
  lua_pushboolean(L, session != nullptr && session->resumed() ? 1 : 0);
  return 1;
}

int peer_name(lua_State* L) { return push_peer(L, self(L)); }

constexpr std::array methods{
    luaL_Reg{"close", guarded<close_connection>},
    luaL_Reg{"dirty", guarded<method_dirty>},
    luaL_Reg{"dohandshake", guarded<shake_hands>},
    luaL_Reg{"exportkeyingmaterial", guarded<export_keying_material>},
    luaL_Reg{"getalpn", guarded<agreed_protocol>},
    luaL_Reg{"getfd", guarded<method_getfd>},
    luaL_Reg{"getfinished", guarded<finished<tls::party::self>>},
    luaL_Reg{"getoption", guarded<method_getoption>},
    luaL_Reg{"getpeercertificate", guarded<peer_certificate>},
    luaL_Reg{"getpeerchain", guarded<peer_chain>},
    luaL_Reg{"getpeerfinished", guarded<finished<tls::party::peer>>},
    luaL_Reg{"getpeername", guarded<peer_name>},
    luaL_Reg{"getpeerverification", guarded<peer_verification>},
    luaL_Reg{"getsniname", guarded<server_name>},
    luaL_Reg{"getsockname", guarded<method_getsockname>},
    luaL_Reg{"getstats", guarded<method_getstats>},
    luaL_Reg{"gettimeout", guarded<method_gettimeout>},
    luaL_Reg{"info", guarded<info>},
    luaL_Reg{"receive", guarded<receive>},
    luaL_Reg{"resumed", guarded<resumed>},
    luaL_Reg{"send", guarded<send>},
    luaL_Reg{"setdane", guarded<set_dane>},
    luaL_Reg{"setoption", guarded<method_setoption>},
    luaL_Reg{"setstats", guarded<method_setstats>},
    luaL_Reg{"settimeout", guarded<method_settimeout>},
    luaL_Reg{"settlsa", guarded<set_tlsa>},
    luaL_Reg{"want", guarded<want>},
};

}  // namespace

socket_object& check_connection(lua_State* L, int index) { return socket_object::check(L, index, socket_kind::tls); }

void register_tls_connections(lua_State* L) {
  register_socket_classes(L, socket_kind::tls, {socket_role::client}, methods);
}

}  // namespace copas::lua
