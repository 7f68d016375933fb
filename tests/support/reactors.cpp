#include "support/reactors.hpp"

#include <utility>

#include "copas/io/system_reactor.hpp"
#include "support/hostile_reactor.hpp"
#include "support/impatient_reactor.hpp"

namespace copas::testing {

std::unique_ptr<reactor> make_reactor(world which) {
  auto real = std::make_unique<impatient_reactor>(system_reactor());
  switch (which) {
    case world::plain: return real;
    case world::hostile: return std::make_unique<hostile_reactor>(std::move(real), 1);
    case world::hostile_2: return std::make_unique<hostile_reactor>(std::move(real), 2026);
  }
  return nullptr;
}

std::string name_of(world which) {
  switch (which) {
    case world::plain: return "System";
    case world::hostile: return "Hostile";
    case world::hostile_2: return "HostileToo";
  }
  return "Unknown";
}

}  // namespace copas::testing
