// Schedulers in virtual time, with the descriptors of the system: no script waits, and none is disturbed by a slow machine.

#include "copas/io/system_reactor.hpp"
#include "lua/reactor_choice.hpp"
#include "support/impatient_reactor.hpp"

namespace copas::lua {

std::unique_ptr<reactor> choose_reactor() { return std::make_unique<testing::impatient_reactor>(system_reactor()); }

}  // namespace copas::lua
