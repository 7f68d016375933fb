#include "copas/core/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace copas {
namespace {

TEST(Result, NamesItsErrorsAsLuaSocketDoes) {
  EXPECT_EQ(make_error_code(errc::closed).message(), "closed");
  EXPECT_EQ(make_error_code(errc::timed_out).message(), "timeout");
}

TEST(Result, NamesItsErrorsAsCopasDoes) {
  EXPECT_EQ(make_error_code(errc::destroyed).message(), "destroyed");
  EXPECT_EQ(make_error_code(errc::too_many).message(), "too many");
  EXPECT_EQ(make_error_code(errc::not_owner).message(), "cannot release a lock not owned");
}

TEST(Result, ComparesErrorsWithTheirNames) {
  const std::error_code error = errc::closed;

  EXPECT_EQ(error, errc::closed);
  EXPECT_NE(error, errc::timed_out);
  EXPECT_EQ(error.category(), copas_category());
}

TEST(Result, KnowsNoMessageForNumbersThatAreNoErrors) { EXPECT_EQ(copas_category().message(4711), "unknown error"); }

TEST(Result, KeepsTheNumbersOfTheSystem) { EXPECT_EQ(system_error(ECONNREFUSED), std::errc::connection_refused); }

TEST(Result, IsTrueWhenATransferFinished) {
  EXPECT_TRUE((transfer{.bytes = 0, .error = {}}));
  EXPECT_FALSE((transfer{.bytes = 5, .error = errc::timed_out}));
}

}  // namespace
}  // namespace copas
