#pragma once

#include <cstdint>
#include <vector>

#include "copas/core/reactor.hpp"

namespace copas {

/// Something the reactor watches, told by the loop what happened to its descriptor.
class event_source {
 public:
  event_source() = default;
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;

  /// Marks itself ready and wakes waiters with `loop::wake_by_event`; runs nothing of the user.
  virtual void on_event(const io_event& what) noexcept = 0;

  /// It will hear of no more events: the loop ends, or somebody else has the descriptor's number now.
  virtual void on_detached() noexcept = 0;

 protected:
  ~event_source() = default;
};

/// Who is told of the events of which descriptor, by number.
///
/// A number is given to another descriptor as soon as its own is closed. Each source has a generation, which its events
/// carry: those of an earlier one, which the reactor had at hand already, are for nobody.
class event_sources {
 public:
  /// Registers who is told of events of `fd`, in place of whoever was.
  /// @return  the generation to watch it with; never zero.
  /// @error   std::bad_alloc
  std::uint32_t attach(int fd, event_source& source);
  /// From now on nobody is told of events of `fd`, which is attached.
  void detach(int fd) noexcept;
  /// Tells all of them that they are not attached any more.
  void detach_all() noexcept;

  /// Who was attached to `fd`; null if nobody.
  [[nodiscard]] event_source* of(int fd) const noexcept;
  /// Who is to be told of an event; null if nobody.
  [[nodiscard]] event_source* of(const io_event& what) const noexcept;

 private:
  struct slot {
    event_source* source = nullptr;
    std::uint32_t generation = 0;
  };

  std::vector<slot> slots_;  // by descriptor number
  std::uint32_t generations_ = 0;
};

}  // namespace copas
