#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "copas/core/loop.hpp"

namespace copas::testing {

/// Under which circumstances a suite runs.
enum class world : std::uint8_t {
  plain,      ///< the reactor of the system, in virtual time (`impatient_reactor`)
  hostile,    ///< the same, with everything going wrong that may go wrong
  hostile_2,  ///< and once more, in another order
};

[[nodiscard]] std::unique_ptr<reactor> make_reactor(world which);
[[nodiscard]] std::string name_of(world which);
inline void PrintTo(world which, std::ostream* out) { *out << name_of(which); }

/// A suite that runs in every world: `INSTANTIATE_TEST_SUITE_P(Worlds, X, every_world, name_of_world)`.
class world_test : public ::testing::TestWithParam<world> {
 protected:
  /// How large an amount of data is that has to be "large", without taking minutes byte by byte.
  [[nodiscard]] static std::size_t scaled(std::size_t plain, std::size_t hostile) {
    return GetParam() == world::plain ? plain : hostile;
  }

  loop events{make_reactor(GetParam())};
};

inline const auto every_world = ::testing::Values(world::plain, world::hostile, world::hostile_2);
inline std::string name_of_world(const ::testing::TestParamInfo<world>& info) { return name_of(info.param); }

}  // namespace copas::testing
