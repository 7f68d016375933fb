// What std::bad_alloc becomes on its way through Lua.

#include <new>
#include <string>

#include "lua/gate.hpp"
#include "lua/guard.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

using namespace copas::testing;

int run_out_of_memory(lua_State*) { throw std::bad_alloc{}; }

class LackOfMemory : public lua_test {};

TEST_F(LackOfMemory, InAFunctionIsAnErrorInTheWordsOfLua) {
  lua_pushcfunction(L, &lua::guarded<&run_out_of_memory>);
  lua_setglobal(L, "run_out");
  script("ok, message = pcall(run_out)");

  EXPECT_EQ(global("ok"), "false");
  EXPECT_EQ(global("message"), "not enough memory");
}

TEST_F(LackOfMemory, InWhatCppDoesInLuaIsThatException) {
  const auto& entrance = lua::gate::of(L);

  EXPECT_THROW(entrance->enter([](lua_State*) { throw std::bad_alloc{}; }), std::bad_alloc);
}

}  // namespace
}  // namespace copas
