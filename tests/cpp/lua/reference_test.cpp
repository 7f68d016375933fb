#include "copas/lua/reference.hpp"

#include "copas/lua/error.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

class Reference : public testing::lua_test {};

TEST_F(Reference, RefersToNothingAtFirst) {
  const lua::reference nothing;

  nothing.push(L);

  EXPECT_FALSE(nothing);
  EXPECT_TRUE(lua_isnil(L, -1));
}

TEST_F(Reference, PushesItsValue) {
  lua_pushliteral(L, "kept");
  const lua::reference kept{L, -1};
  lua_pop(L, 1);

  kept.push(L);

  EXPECT_TRUE(kept);
  EXPECT_STREQ(lua_tostring(L, -1), "kept");
}

TEST_F(Reference, KeepsItsValueAliveAsLongAsACopyExists) {
  script("alive = setmetatable({}, { __mode = 'v' }) alive[1] = {}");
  lua_getglobal(L, "alive");
  lua_rawgeti(L, -1, 1);
  lua::reference copy;
  {
    const lua::reference kept{L, -1};
    copy = kept;
  }
  lua_settop(L, 0);

  script("collectgarbage() before = alive[1] ~= nil");
  copy = {};
  script("collectgarbage() after = alive[1] ~= nil");

  EXPECT_EQ(global("before"), "true");
  EXPECT_EQ(global("after"), "false");
}

TEST_F(Reference, IsEmptyOnceTheStateIsClosed) {
  lua_pushliteral(L, "kept");
  const lua::reference kept{L, -1};

  close();

  EXPECT_FALSE(kept);
}

TEST_F(Reference, IsMadeInsideACoroutine) {
  lua_State* const coroutine = lua_newthread(L);
  lua_pushliteral(coroutine, "kept");
  const lua::reference kept{coroutine, -1};
  lua_settop(L, 0);
  script("collectgarbage() collectgarbage()");

  kept.push(L);

  EXPECT_STREQ(lua_tostring(L, -1), "kept");
}

TEST_F(Reference, RefusesAsAFunctionWhatIsNone) {
  lua_pushinteger(L, 1);

  EXPECT_THROW((lua::function{L, -1}), lua::error);
}

}  // namespace
}  // namespace copas
