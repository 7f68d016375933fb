#pragma once

#include <cstddef>

namespace copas::testing {

/// How often this program has called `operator new`, and for how many bytes.
///
/// A program that calls one of these gets versions of `operator new` and `delete` that count. They do not exist in builds
/// with sanitizers, which replace the operators themselves, and see each allocation because nothing is pooled
/// (`COPAS_HAS_MEMORY_POOLS`).
[[nodiscard]] std::size_t allocations() noexcept;
[[nodiscard]] std::size_t allocated_bytes() noexcept;

/// False where a tool such as valgrind puts operators of its own in their place.
[[nodiscard]] bool counts_allocations();

}  // namespace copas::testing
