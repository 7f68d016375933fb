#include "lua/reactor_choice.hpp"

#include "copas/io/system_reactor.hpp"

namespace copas::lua {

std::unique_ptr<reactor> choose_reactor() { return system_reactor(); }

}  // namespace copas::lua
