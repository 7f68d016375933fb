#pragma once

#include "copas/tls/engine.hpp"

namespace copas::tls {

/// What a connection has in place of its session once it is closed: nothing is known of it, and nothing can be done.
[[nodiscard]] session& closed_session(role mode) noexcept;

}  // namespace copas::tls
