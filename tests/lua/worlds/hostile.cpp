// Schedulers on the hostile reactor, the same in each run. COPAS_HOSTILE_SEED sets another course of events.

#include <cstdlib>

#include "copas/io/system_reactor.hpp"
#include "lua/reactor_choice.hpp"
#include "support/hostile_reactor.hpp"

namespace copas::lua {

std::unique_ptr<reactor> choose_reactor() {
  const char* const seed = std::getenv("COPAS_HOSTILE_SEED");
  return std::make_unique<testing::hostile_reactor>(
      system_reactor(), seed != nullptr ? static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10)) : 1);
}

}  // namespace copas::lua
