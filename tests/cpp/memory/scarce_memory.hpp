#pragma once

namespace copas::testing {

/// As long as it exists, this thread's calls of `operator new` fail, once some have succeeded.
///
/// A program with this has operators of its own, also where sanitizers look at them.
class scarce_memory {
 public:
  /// @param left      how many calls succeed.
  /// @param failures  how many fail then; behind them all succeed.
  explicit scarce_memory(long left, long failures = 1) noexcept;
  scarce_memory(const scarce_memory&) = delete;
  scarce_memory& operator=(const scarce_memory&) = delete;
  ~scarce_memory();

  /// Has a call failed?
  [[nodiscard]] bool ran_out() const noexcept;
};

/// Calls `body(n)`, which says whether it ran out of memory when the n-th allocation failed, for each n until it did not.
/// @return  how many that were.
template <class Body>
long fail_each_allocation(Body body) {
  long count = 0;
  while (body(count)) ++count;
  return count;
}

}  // namespace copas::testing
