#include "lua/statistics.hpp"

#include <algorithm>

namespace copas::lua {

void statistics::enable(bool wanted) {
  enabled_ = wanted;
  counted_ = {};
  counted_.start = loop_.io().wall();
  if (wanted) {
    begin();
    loop_.on_polled = [this] { mark_ = loop_.io().now(); };  // what went before was waiting
  } else {
    loop_.on_polled = {};
  }
}

statistics::report statistics::take() {
  report taken = counted_;
  taken.end = loop_.io().wall();
  counted_ = {};
  counted_.start = taken.end;
  counted_.shortest_ever = taken.shortest_ever;
  counted_.longest_ever = taken.longest_ever;
  return taken;
}

void statistics::begin() noexcept {
  step_ = {};
  mark_ = loop_.io().now();
}

void statistics::add_turn() noexcept {
  const deadline now = loop_.io().now();
  step_ += now - mark_;
  mark_ = now;
}

void statistics::add_step() noexcept {
  ++counted_.steps;
  counted_.total += step_;
  counted_.shortest = std::min(counted_.shortest, step_);
  counted_.longest = std::max(counted_.longest, step_);
  counted_.shortest_ever = std::min(counted_.shortest_ever, step_);
  counted_.longest_ever = std::max(counted_.longest_ever, step_);
}

}  // namespace copas::lua
