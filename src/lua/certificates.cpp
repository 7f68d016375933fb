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

using object = userdata<tls::certificate_ptr>;

tls::certificate& certificate_at(lua_State* L, int index) {
  return *object::check(L, index, "SSL:Certificate expected");
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

int subject(lua_State* L) { return push_name(L, certificate_at(L, 1).subject()); }
int issuer(lua_State* L) { return push_name(L, certificate_at(L, 1).issuer()); }

int extensions(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  lua_newtable(L);
  for (const tls::extension& each : asked.extensions()) {
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
  const std::string found = known ? asked.digest(algorithm) : std::string{};
  if (known) return push_string(L, found);
  lua_pushnil(L);
  lua_pushfstring(L, "digest algorithm not supported (%s)", algorithm);
  return 2;
}

int not_before(lua_State* L) { return push_string(L, certificate_at(L, 1).not_before()); }
int not_after(lua_State* L) { return push_string(L, certificate_at(L, 1).not_after()); }
int serial(lua_State* L) { return push_string(L, certificate_at(L, 1).serial()); }
int pem(lua_State* L) { return push_string(L, certificate_at(L, 1).pem()); }
int signature_name(lua_State* L) { return push_string(L, certificate_at(L, 1).signature_name()); }

int valid_at(lua_State* L) {
  const tls::certificate& asked = certificate_at(L, 1);
  lua_pushboolean(L, asked.valid_at(static_cast<std::time_t>(luaL_checknumber(L, 2))) ? 1 : 0);
  return 1;
}

int public_key(lua_State* L) {
  const tls::public_key key = certificate_at(L, 1).key();
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
  std::vector<const tls::certificate*> chain;
  for (int each = 3; each <= count; ++each) chain.push_back(object::to(L, each)->get());
  const std::string refused = issuer_asked.refuses(leaf, chain);
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

constexpr std::array methods{
    luaL_Reg{"subject", guarded<subject>},
    luaL_Reg{"issuer", guarded<issuer>},
    luaL_Reg{"extensions", guarded<extensions>},
    luaL_Reg{"digest", guarded<digest>},
    luaL_Reg{"notbefore", guarded<not_before>},
    luaL_Reg{"notafter", guarded<not_after>},
    luaL_Reg{"validat", guarded<valid_at>},
    luaL_Reg{"serial", guarded<serial>},
    luaL_Reg{"pem", guarded<pem>},
    luaL_Reg{"pubkey", guarded<public_key>},
    luaL_Reg{"issued", guarded<issued>},
    luaL_Reg{"setencode", guarded<set_encoding>},
    luaL_Reg{"getsignaturename", guarded<signature_name>},
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

int push_certificate(lua_State* L, tls::certificate_ptr found) {
  if (found) {
    object::push(L, std::move(found));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

void define_certificates(lua_State* L) { object::define(L, "X509 certificate", methods); }

}  // namespace copas::lua
