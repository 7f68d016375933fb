// X.509 objects, as LuaSec has them.
#include <array>
#include <string>
#include <vector>

#include "lua/arguments.hpp"
#include "lua/guard.hpp"
#include "lua/tls.hpp"
#include "lua/userdata.hpp"

namespace copas::lua {
namespace {

using certificate_object = userdata<tls::certificate_ptr>;

tls::certificate& certificate_at(lua_State* L, int index) {
  return *certificate_object::check(L, index, "SSL:Certificate expected");
}

int push_string(lua_State* L, const std::string& text) {
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

void set_string(lua_State* L, const char* key, const std::string& text) {
  push_string(L, text);
  lua_setfield(L, -2, key);
}

int push_name(lua_State* L, const std::vector<tls::name_entry>& entries) {
  lua_createtable(L, static_cast<int>(entries.size()), 0);
  int index = 0;
  for (const tls::name_entry& each : entries) {
    lua_createtable(L, 0, 3);
    set_string(L, "oid", each.oid);
    set_string(L, "name", each.name);
    set_string(L, "value", each.value);
    lua_rawseti(L, -2, ++index);
  }
  return 1;
}

// Pushes what a certificate says, by a function of the class.
template <auto Ask>
int push_answer(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  std::string& answer = userdata<std::string>::keep(L);
  answer = (asked.*Ask)();
  return push_string(L, answer);
}

template <auto Ask>
int push_name(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  auto& entries = userdata<std::vector<tls::name_entry>>::keep(L);
  entries = (asked.*Ask)();
  return push_name(L, entries);
}

int extensions(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  auto& found = userdata<std::vector<tls::extension>>::keep(L);
  found = asked.extensions();
  lua_newtable(L);
  for (const tls::extension& each : found) {
    lua_newtable(L);
    set_string(L, "name", each.name);
    for (const auto& [kind, names] : each.names) {
      push_strings(L, names);
      lua_setfield(L, -2, kind.c_str());
    }
    lua_setfield(L, -2, each.oid.c_str());
  }
  return 1;
}

int digest(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  const char* const algorithm = luaL_optstring(L, 2, "sha1");
  const std::string_view named{algorithm};
  const bool known = named == "sha1" || named == "sha256" || named == "sha512";
  if (known) {
    std::string& found = userdata<std::string>::keep(L);
    found = asked.digest(algorithm);
    return push_string(L, found);
  }
  lua_pushnil(L);
  lua_pushfstring(L, "digest algorithm not supported (%s)", algorithm);
  return 2;
}

int valid_at(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  lua_pushboolean(L, asked.valid_at(static_cast<std::time_t>(luaL_checknumber(L, 2))) ? 1 : 0);
  return 1;
}

int public_key(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  tls::public_key& key = userdata<tls::public_key>::keep(L);
  key = asked.key();
  push_string(L, key.pem);
  push_string(L, key.type);
  lua_pushinteger(L, key.bits);
  return 3;
}

// issued(certificate [, chain...])
int issued(lua_State* L) {
  const tls::certificate& issuer_asked = certificate_at(L, 1);
  const tls::certificate& leaf = certificate_at(L, 2);
  const int count = lua_gettop(L);
  for (int each = 3; each <= count; ++each) certificate_at(L, each);
  std::string& refused = userdata<std::string>::keep(L);
  {
    std::vector<const tls::certificate*> chain;
    for (int each = 3; each <= count; ++each) chain.push_back(certificate_object::to(L, each)->get());
    refused = issuer_asked.refuses(leaf, chain);
  }
  if (refused.empty()) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  push_string(L, refused);
  return 2;
}

int set_encoding(lua_State* L) {
  tls::certificate& asked = certificate_at(L, 1);
  const std::string_view encoding = luaL_checkstring(L, 2);
  const bool known = encoding == "ai5" || encoding == "utf8";
  if (known) asked.encode_utf8(encoding == "utf8");
  lua_pushboolean(L, known ? 1 : 0);
  return 1;
}

constexpr std::array certificate_methods{
    luaL_Reg{"subject", guarded<push_name<&tls::certificate::subject>>},
    luaL_Reg{"issuer", guarded<push_name<&tls::certificate::issuer>>},
    luaL_Reg{"extensions", guarded<extensions>},
    luaL_Reg{"digest", guarded<digest>},
    luaL_Reg{"notbefore", guarded<push_answer<&tls::certificate::not_before>>},
    luaL_Reg{"notafter", guarded<push_answer<&tls::certificate::not_after>>},
    luaL_Reg{"validat", guarded<valid_at>},
    luaL_Reg{"serial", guarded<push_answer<&tls::certificate::serial>>},
    luaL_Reg{"pem", guarded<push_answer<&tls::certificate::pem>>},
    luaL_Reg{"pubkey", guarded<public_key>},
    luaL_Reg{"issued", guarded<issued>},
    luaL_Reg{"setencode", guarded<set_encoding>},
    luaL_Reg{"getsignaturename", guarded<push_answer<&tls::certificate::signature_name>>},
};

}  // namespace

void push_strings(lua_State* L, const std::vector<std::string>& strings) {
  lua_createtable(L, static_cast<int>(strings.size()), 0);
  int index = 0;
  for (const std::string& each : strings) {
    push_string(L, each);
    lua_rawseti(L, -2, ++index);
  }
}

tls::certificate_ptr& push_empty_certificate(lua_State* L) { return certificate_object::push(L); }

void define_certificates(lua_State* L) { certificate_object::define(L, "X509 certificate", certificate_methods); }

}  // namespace copas::lua
