#pragma once

#include <memory>

#include "copas/core/reactor.hpp"

namespace copas::lua {

/// The reactor that a scheduler's loop runs on. Tests link another definition, to run scripts on their own reactors.
[[nodiscard]] std::unique_ptr<reactor> choose_reactor();

}  // namespace copas::lua
