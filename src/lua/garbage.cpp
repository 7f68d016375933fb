#include "lua/garbage.hpp"

#include <algorithm>
#include <utility>

namespace copas::lua {
namespace {

using namespace std::chrono_literals;

constexpr auto quiet_time = 50ms;        // after activity, ...
constexpr auto longest_wait = 500ms;     // ... which may go on and on
constexpr auto longest_step = 500us;     // then events are looked for
constexpr auto rest_per_work = 9;        // parts of rest for each part of work, ...
constexpr auto long_rest_per_work = 29;  // ... where no socket waits to be found
constexpr auto gap_per_work = 20;        // the same between collections, ...
constexpr auto longest_gap = 2s;         // ... which a dropped connection may have to wait at most
constexpr std::size_t tolerated_kib = 64;  // of new memory that is not worth a collection

std::size_t used_kib(lua_State* L) { return static_cast<std::size_t>(lua_gc(L, LUA_GCCOUNT, 0)); }

}  // namespace

void garbage::activity(lua_State* L, bool dropped_sockets) {
  if (cycles_left_ == 0) {
    const std::size_t limit = kept_ + std::max(tolerated_kib, kept_ / 20);
    if (collector_is_stopped(L) || (!dropped_sockets && used_kib(L) <= limit)) return;
    spent_ = {};
    latest_ = loop_.turn_time() + longest_wait;
  }
  for_sockets_ = dropped_sockets;
  missed_ = overdue();
  if (!missed_) cycles_left_ = 2;
  next_step_ = std::max(std::min(loop_.turn_time() + quiet_time, latest_), not_before_);
}

void garbage::step(lua_State* L, bool dropped_sockets) {
  choose_incremental_mode(L);
  reactor& clock = loop_.io();
  const deadline start = clock.now();
  deadline now = start;
  while (cycles_left_ > 0 && now - start < longest_step) {
    if (lua_gc(L, LUA_GCSTEP, 0) != 0) --cycles_left_;
    now = clock.now();
  }
  spent_ += now - start;
  next_step_ = not_before_ = now + (for_sockets_ ? rest_per_work : long_rest_per_work) * (now - start);
  if (cycles_left_ > 0) return;
  kept_ = used_kib(L);
  not_before_ = now + std::min<std::chrono::nanoseconds>(gap_per_work * spent_, longest_gap);
  if (std::exchange(missed_, false)) activity(L, dropped_sockets);
}

}  // namespace copas::lua
