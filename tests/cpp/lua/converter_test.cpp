#include "copas/lua/converter.hpp"

#include <gmock/gmock.h>

#include "copas/core/task.hpp"
#include "copas/lua/async_function.hpp"
#include "lua_test.hpp"

namespace copas {
namespace {

struct point {
  int x = 0;
  int y = 0;
};

}  // namespace

// As a program does it: a table { x, y }.
template <>
struct lua::converter<point> {
  static const char* check(lua_State* L, int index) { return converter<std::vector<int>>::check(L, index); }
  static point get(lua_State* L, int index) {
    const std::vector<int> both = converter<std::vector<int>>::get(L, index);
    return {both.at(0), both.at(1)};
  }
  static void push(lua_State* L, const point& value) { converter<std::vector<int>>::push(L, {value.x, value.y}); }
};

namespace {

class Converter : public testing::lua_test {
 public:
  template <class T>
  void expect_back(const T& value) {
    lua::converter<T>::push(L, value);
    ASSERT_EQ(lua::converter<T>::check(L, lua_gettop(L)), nullptr);
    EXPECT_EQ(lua::converter<T>::get(L, lua_gettop(L)), value);
  }
};

TEST_F(Converter, BringsValuesBack) {
  expect_back(true);
  expect_back(-7);
  expect_back(std::uint8_t{255});
  expect_back(1.5);
  expect_back(0.25F);
  expect_back(std::string{"a\0b", 3});
  expect_back(std::string{});
  expect_back(std::optional<int>{});
  expect_back(std::optional<int>{4});
  expect_back(std::vector<std::string>{"a", "b"});
  expect_back(std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  expect_back(std::vector<bool>{true, false});
}

TEST_F(Converter, PushesLargeUnsignedNumbersAsFloatingPoint) {
  lua::converter<std::uint64_t>::push(L, std::numeric_limits<std::uint64_t>::max());

  EXPECT_EQ(lua_tonumber(L, -1), 18446744073709551616.0);
}

TEST_F(Converter, RefusesElementsTooDeepInside) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushboolean(L, 1);
  lua_rawseti(L, -2, 1);
  lua_rawseti(L, -2, 1);

  EXPECT_STREQ(lua::converter<std::vector<std::vector<int>>>::check(L, 1),
               "element 1: element 1: number expected, got boolean");
}

TEST_F(Converter, IsOpenToTypesOfTheProgram) {
  lua::set_function(L, "mirror", [](point at) -> task<point> { co_return point{.x = at.y, .y = at.x}; });

  run("copas.addthread(function() text = table.concat(mirror { 1, 2 }, ' ') end)");

  EXPECT_EQ(global("text"), "2 1");
}

TEST_F(Converter, MayThrow) {
  lua::set_function(L, "mirror", [](point at) -> task<point> { co_return at; });

  run(R"(
    copas.seterrorhandler(function(err) failure = err end, true)
    copas.addthread(function() mirror { 1 } end))");

  EXPECT_THAT(global("failure"), ::testing::HasSubstr("vector"));
}

}  // namespace
}  // namespace copas
