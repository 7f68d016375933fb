#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "copas/core/loop.hpp"
#include "copas/lua.hpp"

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

namespace copas::testing {

/// A Lua state with the standard libraries.
struct close_lua {
  void operator()(lua_State* L) const noexcept { lua_close(L); }
};
using lua_owner = std::unique_ptr<lua_State, close_lua>;
[[nodiscard]] lua_owner new_lua();

/// Runs a chunk in which `copas` is the module. An error fails the test.
void script(lua_State* L, const std::string& chunk);

/// What `tostring` makes of a global variable.
[[nodiscard]] std::string global(lua_State* L, const std::string& name);

/// Tells when it is destroyed, but for the objects that were moved from.
class witness {
 public:
  explicit witness(int& destroyed) noexcept : destroyed_{&destroyed} {}
  witness(witness&& other) noexcept : destroyed_{std::exchange(other.destroyed_, nullptr)} {}
  witness& operator=(witness&&) = delete;
  ~witness() {
    if (destroyed_ != nullptr) ++*destroyed_;
  }

 private:
  int* destroyed_;
};

/// A suite with a Lua state that has the module open, in virtual time.
class lua_test : public ::testing::Test {
 public:
  lua_test() : owner{new_lua()}, L{owner.get()}, events{lua::open(L)} {}

  void script(const std::string& chunk) { testing::script(L, chunk); }
  /// Runs a chunk, then the loop until nothing is left to do.
  void run(const std::string& chunk) {
    script(chunk);
    lua::run(L);
  }
  [[nodiscard]] std::string global(const std::string& name) { return testing::global(L, name); }
  /// The global function of that name.
  [[nodiscard]] lua::function function(const std::string& name);
  void close() { owner.reset(); }

  lua_owner owner;
  lua_State* L;
  loop& events;
};

}  // namespace copas::testing
