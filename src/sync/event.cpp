#include "copas/sync/event.hpp"

namespace copas {

void event::set() noexcept {
  happened_ = true;
  while (!waiting_.empty()) home_.schedule(waiting_.front());
}

}  // namespace copas
