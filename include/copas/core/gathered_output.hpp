#pragma once

namespace copas {

/// Output that a task has given away and that is held back, to leave together with what the task sends next.
class gathered_output {
 public:
  gathered_output() = default;
  gathered_output(const gathered_output&) = delete;
  gathered_output& operator=(const gathered_output&) = delete;

  /// Sends it, as far as that can be done at once; the loop does not know of it any more.
  virtual void leave() noexcept = 0;

 protected:
  ~gathered_output() = default;
};

}  // namespace copas
