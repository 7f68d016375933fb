// What socket.dns and copas.resolver are built on: lua/copas/dns.lua, lua/copas/resolver.lua.

#include <arpa/inet.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/inet.hpp"
#include "lua/lookups.hpp"

namespace copas::lua {
namespace {

// What was found, kept for the push; or why nothing was.
struct kept_entry {
  std::error_code error;
  std::size_t kept = 0;
};

kept_entry keep(names& in, result<host_entry>&& found) {
  if (!found) return {.error = found.error()};
  return {.error = {}, .kept = in.keep(*std::move(found))};
}

// The addresses of a host, in the form of an entry.
kept_entry keep(names& in, result<std::vector<address>>&& found) {
  if (!found) return {.error = found.error()};
  return {.error = {}, .kept = in.keep({.name = {}, .aliases = {}, .addresses = *std::move(found)})};
}

// getaddrinfo: an array of { family, addr }
void push_addresses(lua_State* L, const host_entry& of) {
  lua_newtable(L);
  int count = 0;
  for (const address& each : of.addresses) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, each.family() == family::inet6 ? "inet6" : "inet");
    lua_setfield(L, -2, "family");
    push_host(L, each);
    lua_setfield(L, -2, "addr");
    lua_rawseti(L, -2, ++count);
  }
}

// toip, tohostname: { name, alias, ip }
void push_entry(lua_State* L, const host_entry& of) {
  lua_createtable(L, 0, 3);
  lua_pushlstring(L, of.name.data(), of.name.size());
  lua_setfield(L, -2, "name");
  lua_newtable(L);
  int count = 0;
  for (const std::string& each : of.aliases) {
    lua_pushlstring(L, each.data(), each.size());
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "alias");
  lua_newtable(L);
  count = 0;
  for (const address& each : of.addresses) {
    push_host(L, each);
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "ip");
}

template <void (*Push)(lua_State*, const host_entry&)>
int push_kept(lua_State* L, names& in, const kept_entry& found) {
  if (found.error) return push_failure(L, found.error);
  Push(L, in.kept(found.kept));
  in.drop(found.kept);
  return 1;
}

// getaddrinfo as the work of a look-up.
struct list_addresses {
  using outcome = kept_entry;
  names* in;

  outcome run(result<std::vector<address>>&& found) const { return keep(*in, std::move(found)); }
  static int push(lua_State* L, state& shared, int, const outcome& found) {
    return push_kept<push_addresses>(L, shared.names(), found);
  }
};

}  // namespace

template <>
struct conversion<host_lookup> {
  static kept_entry take(scheduler& owner, host_lookup& op) { return keep(owner.shared().names(), op.await_resume()); }
  static int push(lua_State* L, scheduler& owner, const kept_entry& found) {
    return push_kept<push_entry>(L, owner.shared().names(), found);
  }
};

namespace {

// addresses(host, service [, timeout]): an array of { family, addr }, or nil and an error
int dns_addresses(lua_State* L) {
  const char* const host = luaL_optstring(L, 1, nullptr);
  const char* const service = luaL_optstring(L, 2, "");
  const auto timeout = optional_timeout(L, 3);
  return with_addresses(L, {.host = host, .service = service}, {.timeout = timeout},
                        list_addresses{&state::of(L).names()});
}

// Which host is asked for: the one that has an IPv4 address, or the one of a name.
struct host_question {
  const char* text;
  bool by_address;

  [[nodiscard]] std::optional<result<host_entry>> known(resolver& by) const {
    return by_address ? by.known_name(address::parse(text, 0).value()) : by.known_host(text, family::inet4);
  }
  [[nodiscard]] result<host_entry> ask_blocking(resolver& by) const {
    return by_address ? look_up_name_blocking(by, address::parse(text, 0).value())
                      : look_up_host_blocking(by, text, family::inet4);
  }
};

int find_host(lua_State* L, const host_question& asked) {
  names& lookups = state::of(L).names();
  thread* const self = thread_to_wait(L);
  kept_entry found;
  bool over = false;
  {
    if (auto known = asked.known(self != nullptr ? lookups.of(self->owner()) : lookups.blocking())) {
      found = keep(lookups, std::move(*known));
      over = true;
    }
  }
  if (over) return push_kept<push_entry>(L, lookups, found);
  lookups.load_engine(L);
  if (self != nullptr && asked.by_address) {
    return self->await<host_lookup>(L, {}, lookups.of(self->owner()), address::parse(asked.text, 0).value());
  }
  if (self != nullptr) {
    return self->await<host_lookup>(L, {}, lookups.of(self->owner()), std::string{asked.text}, family::inet4);
  }
  found = keep(lookups, asked.ask_blocking(lookups.blocking()));
  return push_kept<push_entry>(L, lookups, found);
}

// host(name or IPv4 address): { name, alias, ip }, or nil and an error
int dns_host(lua_State* L) {
  const char* const text = check_string(L, 1);
  in_addr numeric{};
  return find_host(L, {.text = text, .by_address = ::inet_aton(text, &numeric) != 0});
}

// host_of(address): the same, of IPv6 too
int dns_host_of(lua_State* L) { return find_host(L, {.text = luaL_checkstring(L, 1), .by_address = true}); }

// service(name or number): its name
int dns_service(lua_State* L) {
  const char* const service = luaL_checkstring(L, 1);
  char name[NI_MAXSERV] = "";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(nullptr, service, &hints, &found);
  if (failed != 0) return push_failure(L, {failed, resolver_category()});
  ::getnameinfo(found->ai_addr, found->ai_addrlen, nullptr, 0, name, sizeof name, 0);
  ::freeaddrinfo(found);
  lua_pushstring(L, name);
  return 1;
}

int dns_gethostname(lua_State* L) {
  char name[257] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return push_failure(L, {errno, std::system_category()});
  lua_pushstring(L, name);
  return 1;
}

// "192.0.2.1", "192.0.2.1:53", "2001:db8::1" or "[2001:db8::1]:53"
std::optional<address> parse_server(std::string text) {
  std::string port = "0";
  const auto colon = text.rfind(':');
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string::npos) return {};
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return {};
      port = text.substr(end + 2);
    }
    text = text.substr(1, end - 1);
  } else if (colon != std::string::npos && text.find(':') == colon) {
    port = text.substr(colon + 1);
    text.resize(colon);
  }
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return {};
  const int number = std::stoi(port);
  const auto found = address::parse(text, static_cast<std::uint16_t>(number));
  return found && number <= 65535 ? std::optional{*found} : std::nullopt;
}

// Element `index` of the array at `table`, copied.
std::string element(lua_State* L, int table, int index) {
  lua_rawgeti(L, table, index);
  const char* const text = lua_tostring(L, -1);
  std::string copy = text == nullptr ? "" : text;
  lua_pop(L, 1);
  return copy;
}

// set_resolver(system, servers, timeout, tries, domains, dots, cache size, hosts, resolv.conf): how names are looked up
// from now on; nil stands for what is the default. The first server that is none, if there is one.
int set_resolver(lua_State* L) {
  int wrong = 0;
  {
    resolver_options how;
    if (lua_toboolean(L, 1) != 0) how.mode = resolver_options::way::system;
    for (int each = 1; lua_istable(L, 2) && each <= static_cast<int>(lua_rawlen(L, 2)) && wrong == 0; ++each) {
      const auto server = parse_server(element(L, 2, each));
      if (server)
        how.servers.push_back(*server);
      else
        wrong = each;
    }
    if (lua_isnumber(L, 3)) {
      how.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(from_seconds(lua_tonumber(L, 3)));
    }
    if (lua_isnumber(L, 4)) how.tries = static_cast<int>(lua_tonumber(L, 4));
    if (lua_istable(L, 5)) {
      how.domains.emplace();
      for (int each = 1; each <= static_cast<int>(lua_rawlen(L, 5)); ++each)
        how.domains->push_back(element(L, 5, each));
    }
    if (lua_isnumber(L, 6)) how.dots = static_cast<int>(lua_tonumber(L, 6));
    if (lua_isnumber(L, 7)) how.cache_size = static_cast<std::size_t>(lua_tonumber(L, 7));
    if (const char* const hosts = lua_tostring(L, 8)) how.hosts = hosts;
    if (const char* const conf = lua_tostring(L, 9)) how.resolv_conf = conf;
    if (wrong == 0) state::of(L).names().set_options(how);
  }
  if (wrong == 0) return 0;
  lua_rawgeti(L, 2, wrong);
  return 1;
}

// load_library(): is there what asks name servers?
int load_dns_library(lua_State* L) {
  names& lookups = state::of(L).names();
  lookups.load_engine(L);
  lua_pushboolean(L, lookups.has_engine() ? 1 : 0);
  return 1;
}

}  // namespace

void add_dns_functions(lua_State* L) {
  set_function(L, "addresses", guarded<dns_addresses>);
  set_function(L, "gethostname", guarded<dns_gethostname>);
  set_function(L, "host", guarded<dns_host>);
  set_function(L, "host_of", guarded<dns_host_of>);
  set_function(L, "load_library", guarded<load_dns_library>);
  set_function(L, "service", guarded<dns_service>);
  set_function(L, "set_resolver", guarded<set_resolver>);
}

}  // namespace copas::lua
