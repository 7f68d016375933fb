// What `require` finds in copas.so: the module, its submodules, and the Lua chunks they are made of.

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "lua/embedded.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/module.hpp"
#include "lua/names.hpp"
#include "lua/scheduler.hpp"
#include "lua/state.hpp"
#include "lua/tables.hpp"
#include "lua/tls.hpp"

namespace copas::lua {
namespace {

const char socket_module_key = 0;
const char tls_module_key = 0;
const char unix_functions_key = 0;
const char coroutines_key = 0;

// A scheduler's userdata holds a pointer to it, null once it is closed: functions may be called after that.
int finalise_scheduler(lua_State* L) {
  auto*& held = *static_cast<scheduler**>(lua_touserdata(L, 1));
  std::unique_ptr<scheduler> closing{std::exchange(held, nullptr)};
  if (closing && !closing->close(L)) static_cast<void>(closing.release());  // os.exit in a thread, which runs on
  return 0;
}

void push_scheduler(lua_State* L) {
  state& shared = state::push(L);
  auto** held = static_cast<scheduler**>(lua_newuserdata(L, sizeof(scheduler*)));
  *held = nullptr;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, &finalise_scheduler);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *held = new scheduler{L, shared};
  add_own_table(L, -1, *held);  // not the registry, which would keep all that the scheduler owns for ever
  lua_getuservalue(L, -1);
  (*held)->prepare(L);
  lua_pop(L, 1);
  lua_remove(L, -2);
}

void push_native(lua_State* L) {
  push_scheduler(L);
  const int scheduler = lua_gettop(L);
  lua_newtable(L);
  add_thread_functions(L, scheduler);
  add_operation_functions(L, scheduler);
  add_descriptor_functions(L, scheduler);
  add_future_functions(L, scheduler);
  add_http_functions(L, scheduler);
  add_lock_functions(L, scheduler);
  add_queue_functions(L, scheduler);
  add_report_functions(L, scheduler);
  add_dns_functions(L);
  add_semaphore_functions(L, scheduler);
  lua_remove(L, scheduler);
}

// Runs a chunk with the values on top of the stack as its arguments, which its results replace.
void run_chunk(lua_State* L, std::string_view name, int arguments, int results) {
  push_chunk(L, name);
  lua_insert(L, -1 - arguments);
  lua_call(L, arguments, results);
}

// load(name, ...): runs another chunk, for those that consist of several.
int load_chunk(lua_State* L) {
  std::size_t length = 0;
  const char* name = luaL_checklstring(L, 1, &length);
  const int arguments = lua_gettop(L) - 1;
  run_chunk(L, {name, length}, arguments, 1);
  return 1;
}

// Pushes the table that `push` makes, the same one for all that ask in one Lua state.
void push_shared(lua_State* L, const char& key, void (*push)(lua_State*)) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  if (lua_istable(L, -1)) return;
  lua_pop(L, 1);
  push(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

// Those of one instance of the module.
constexpr luaL_Reg submodules[] = {
    {"copas.ftp", &open_ftp},   {"copas.future", &open_future}, {"copas.http", &open_http},
    {"copas.lock", &open_lock}, {"copas.queue", &open_queue},   {"copas.semaphore", &open_semaphore},
    {"copas.smtp", &open_smtp}, {"copas.timer", &open_timer},
};

// Those that are the same for all instances in a Lua state.
constexpr luaL_Reg socket_modules[] = {
    {"copas.socket", &open_socket}, {"copas.socket.unix", &open_unix}, {"copas.tls", &open_tls}};

void preload(lua_State* L, std::span<const luaL_Reg> modules) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  for (const luaL_Reg& each : modules) {
    lua_pushcfunction(L, each.func);
    lua_setfield(L, -2, each.name);
  }
  lua_pop(L, 2);
}

// So that the submodules are ours, even if an installed Copas has files of these names.
void set_loaders(lua_State* L) {
  preload(L, submodules);
  preload(L, socket_modules);
}

// A new instance of the module has new submodules, but for the socket module, which is the same for all.
void forget_submodules(lua_State* L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "loaded");
  for (const luaL_Reg& each : submodules) {
    lua_pushnil(L);
    lua_setfield(L, -2, each.name);
  }
  lua_pop(L, 2);
}

// abandon(coroutine): ends the thread of a coroutine that user code is about to close.
int abandon(lua_State* L) {
  state::of(L).abandon(L, 1);
  return 0;
}

// Once for each Lua state, whatever instances of the module there are.
void pass_waits_through_coroutines(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &coroutines_key);
  const bool done = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  if (done) return;
  lua_pushlightuserdata(L, thread::parked_mark());
  state::push(L);
  lua_pushcclosure(L, guarded<abandon>, 1);
  run_chunk(L, "coroutines", 2, 0);
  lua_pushboolean(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &coroutines_key);
}

void require(lua_State* L, const char* name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

// A peer that is gone is an error of the call, also for sockets of other libraries. Whoever has a handler keeps it.
void ignore_broken_pipes() {
  struct sigaction current{};
  ::sigaction(SIGPIPE, nullptr, &current);
  if (current.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

// The allocator of glibc returns what is free at the end of its heap to the system as soon as that is 128 KiB, and takes
// it back page by page: each sweep of the collector would cost page faults. Once a block that was mapped by itself has been
// freed, it keeps twice the size of that, unless the program has chosen otherwise. @see mallopt(3), M_MMAP_THRESHOLD
void let_allocator_keep_memory() {
  constexpr std::size_t half_of_kept = std::size_t{4} * 1024 * 1024;
  void* volatile block = std::malloc(half_of_kept);  // volatile: or both calls are optimised away
  std::free(block);
}

int load_copas(lua_State* L) {
  ignore_broken_pipes();
  let_allocator_keep_memory();
  choose_incremental_mode(L);
  set_loaders(L);
  lua_settop(L, 0);
  push_native(L);
  pass_waits_through_coroutines(L);
  lua_pushcfunction(L, guarded<load_chunk>);
  run_chunk(L, "init", 2, 1);
  forget_submodules(L);
  return 1;
}

void push_socket_module(lua_State* L) {
  ignore_broken_pipes();
  set_loaders(L);
  push_socket_functions(L);
  lua_pushcfunction(L, guarded<load_chunk>);
  run_chunk(L, "socket", 2, 1);
}

// One instance for all names that it is required by.
int load_socket(lua_State* L) {
  push_shared(L, socket_module_key, push_socket_module);
  return 1;
}

int load_unix(lua_State* L) {
  ignore_broken_pipes();
  set_loaders(L);
  push_shared(L, unix_functions_key, push_unix_functions);
  return 1;
}

// Where the library, or the program, is that this function is in.
const char* own_path() {
  Dl_info found{};
  if (::dladdr(reinterpret_cast<const void*>(&own_path), &found) == 0 || found.dli_fname == nullptr) return "";
  return std::strchr(found.dli_fname, '/') != nullptr ? found.dli_fname : "/proc/self/exe";
}

// Pushes the engine that the companion `name` brings.
void push_companion(lua_State* L, const char* name, const char* what) {
  lua_pushstring(L, name);
  lua_pushstring(L, what);
  lua_pushliteral(L, COPAS_VERSION);
  char resolved[PATH_MAX];
  const char* const path = own_path();
  lua_pushstring(L, ::realpath(path, resolved) != nullptr ? resolved : path);
  lua_pushliteral(L, COPAS_LIBRARY_FOLDER);
  run_chunk(L, "companion", 5, 1);
}

// Lets exceptions of a companion, for lack of memory, be caught in here. Each of the two libraries may have libgcc of its
// own, and that of the one that catches has to have made its tables, which it does when something is thrown.
void prepare_to_catch() {
  try {
    throw std::bad_alloc{};
  } catch (const std::bad_alloc&) {
    return;
  }
}

void push_tls_module(lua_State* L) {
  ignore_broken_pipes();
  prepare_to_catch();
  set_loaders(L);
  push_companion(L, "openssl", "TLS");
  push_tls_functions(L, *static_cast<tls::engine*>(lua_touserdata(L, -1)));
  lua_remove(L, -2);
  run_chunk(L, "tls", 1, 1);
}

int load_tls(lua_State* L) {
  push_shared(L, tls_module_key, push_tls_module);
  return 1;
}

// A submodule is a chunk that gets the module and what its other parts share.
int load_submodule(lua_State* L, const char* name) {
  lua_settop(L, 0);
  require(L, "copas");
  if (luaL_getmetafield(L, 1, "internal") == LUA_TNIL) {
    luaL_error(L, "the copas that was found first is another one than the one that copas.%s belongs to", name);
  }
  run_chunk(L, name, 2, 1);
  return 1;
}

int load_ftp(lua_State* L) { return load_submodule(L, "ftp"); }
int load_future(lua_State* L) { return load_submodule(L, "future"); }
int load_http(lua_State* L) { return load_submodule(L, "http"); }
int load_lock(lua_State* L) { return load_submodule(L, "lock"); }
int load_queue(lua_State* L) { return load_submodule(L, "queue"); }
int load_semaphore(lua_State* L) { return load_submodule(L, "semaphore"); }
int load_smtp(lua_State* L) { return load_submodule(L, "smtp"); }
int load_timer(lua_State* L) { return load_submodule(L, "timer"); }

// The function that `copas.runtime` is.
int run_runtime(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  require(L, "copas");
  lua_insert(L, 1);
  run_chunk(L, "runtime", 2, 0);
  return 0;
}

}  // namespace

void push_chunk(lua_State* L, std::string_view name) {
  const auto chunks = embedded_chunks();
  const auto found = std::ranges::find(chunks, name, &embedded_chunk::name);
  if (found == chunks.end()) luaL_error(L, "a chunk of the module is missing");
  const int outcome = [&] {
    const std::string title = title_of_chunk(name);
    return luaL_loadbuffer(L, found->code.data(), found->code.size(), title.c_str());
  }();
  if (outcome != LUA_OK) lua_error(L);
}

int load_cares(lua_State* L) {
  push_companion(L, "cares", "DNS");
  return 1;
}

void preload_modules(lua_State* L) {
  set_loaders(L);
  constexpr luaL_Reg modules[] = {{"copas", &open_copas}, {"socket", &open_socket}, {"socket.unix", &open_unix}};
  preload(L, modules);
}

int open_runtime(lua_State* L) {
  preload_modules(L);
  lua_pushcfunction(L, guarded<run_runtime>);
  return 1;
}

int open_copas(lua_State* L) { return guarded<load_copas>(L); }
int open_ftp(lua_State* L) { return guarded<load_ftp>(L); }
int open_future(lua_State* L) { return guarded<load_future>(L); }
int open_http(lua_State* L) { return guarded<load_http>(L); }
int open_lock(lua_State* L) { return guarded<load_lock>(L); }
int open_queue(lua_State* L) { return guarded<load_queue>(L); }
int open_semaphore(lua_State* L) { return guarded<load_semaphore>(L); }
int open_smtp(lua_State* L) { return guarded<load_smtp>(L); }
int open_socket(lua_State* L) { return guarded<load_socket>(L); }
int open_unix(lua_State* L) { return guarded<load_unix>(L); }
int open_timer(lua_State* L) { return guarded<load_timer>(L); }
int open_tls(lua_State* L) { return guarded<load_tls>(L); }

}  // namespace copas::lua

extern "C" {
__attribute__((visibility("default"))) int luaopen_copas(lua_State* L) { return copas::lua::open_copas(L); }
__attribute__((visibility("default"))) int luaopen_copas_future(lua_State* L) { return copas::lua::open_future(L); }
__attribute__((visibility("default"))) int luaopen_copas_lock(lua_State* L) { return copas::lua::open_lock(L); }
__attribute__((visibility("default"))) int luaopen_copas_queue(lua_State* L) { return copas::lua::open_queue(L); }
__attribute__((visibility("default"))) int luaopen_copas_runtime(lua_State* L) { return copas::lua::open_runtime(L); }
__attribute__((visibility("default"))) int luaopen_copas_semaphore(lua_State* L) {
  return copas::lua::open_semaphore(L);
}
__attribute__((visibility("default"))) int luaopen_copas_socket(lua_State* L) { return copas::lua::open_socket(L); }
__attribute__((visibility("default"))) int luaopen_copas_socket_unix(lua_State* L) { return copas::lua::open_unix(L); }
__attribute__((visibility("default"))) int luaopen_copas_ftp(lua_State* L) { return copas::lua::open_ftp(L); }
__attribute__((visibility("default"))) int luaopen_copas_http(lua_State* L) { return copas::lua::open_http(L); }
__attribute__((visibility("default"))) int luaopen_copas_smtp(lua_State* L) { return copas::lua::open_smtp(L); }
__attribute__((visibility("default"))) int luaopen_copas_timer(lua_State* L) { return copas::lua::open_timer(L); }
__attribute__((visibility("default"))) int luaopen_copas_tls(lua_State* L) { return copas::lua::open_tls(L); }
}
