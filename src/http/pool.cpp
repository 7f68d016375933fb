#include "copas/http/pool.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace copas::http {
namespace {

// A connection on which something has come, be it the end, cannot be used again. Of TLS, there may be messages that mean
// nothing to us, and are read by this.
bool is_clean(stream& connection) noexcept {
  if (!connection.open() || !connection.input().empty() || connection.holds_output()) return false;
  const bool is_watched = connection.home() != nullptr;  // if not, nobody tells what comes
  if (is_watched && !connection.may_receive()) return true;
  std::array<std::byte, 1> unexpected{};
  return connection.receive_some(connection.home(), unexpected).blocked();
}

}  // namespace

// The time at which the next connection has been idle for too long.
class connection_pool::expiry final : public wait_node {
 public:
  explicit expiry(connection_pool& whose) noexcept : whose_{whose} {}

  void set(loop& home, deadline until) {
    leave();
    park_in_background(home,
                       {[](void* self) {
                          connection_pool& pool = static_cast<expiry*>(self)->whose_;
                          pool.drop_expired();
                          pool.wake_for_the_next();
                        },
                        this},
                       until);
  }

 private:
  connection_pool& whose_;
};

connection_pool::connection_pool(loop& home) : connection_pool{home, limits{}} {}
connection_pool::connection_pool(loop& home, limits most)
    : home_{home}, most_{most}, expiry_{std::make_unique<expiry>(*this)} {}
connection_pool::~connection_pool() { clear(); }

void connection_pool::put(const std::string& key, ref<stream> connection, std::chrono::nanoseconds idle) {
  if (most_.per_key == 0 || most_.total == 0 || !is_clean(*connection)) {
    connection->close();
    return;
  }
  line& same = idle_[key];
  while (same.size() >= most_.per_key) {
    same.front().connection->close();
    same.pop_front();
    --size_;
  }
  const deadline until = home_.io().coarse_now() + idle;
  same.push_back({std::move(connection), until});
  ++size_;
  while (size_ > most_.total) drop_oldest();
  if (!expiry_->parked() || until < expiry_->until()) expiry_->set(home_, until);
}

ref<stream> connection_pool::take(const std::string& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) return {};
  line& same = found->second;
  ref<stream> taken;
  const deadline now = home_.turn_time();  // what was put in this turn is there, however long that takes
  while (!same.empty() && !taken) {
    kept last = std::move(same.back());
    same.pop_back();
    --size_;
    if (last.until > now && is_clean(*last.connection)) {
      taken = std::move(last.connection);
    } else {
      last.connection->close();
    }
  }
  if (same.empty()) idle_.erase(found);
  return taken;
}

void connection_pool::clear() noexcept {
  for (auto& [key, same] : idle_) {
    for (const kept& each : same) each.connection->close();
  }
  idle_.clear();
  size_ = 0;
}

void connection_pool::drop_oldest() noexcept {
  const auto oldest = std::ranges::min_element(idle_, {}, [](const auto& each) { return each.second.front().until; });
  oldest->second.front().connection->close();
  oldest->second.pop_front();
  --size_;
  if (oldest->second.empty()) idle_.erase(oldest);
}

void connection_pool::drop_expired() noexcept {
  const deadline now = home_.io().now();
  for (auto each = idle_.begin(); each != idle_.end();) {
    line& same = each->second;
    size_ -= std::erase_if(same, [now](const kept& connection) {
      if (connection.until > now) return false;
      connection.connection->close();
      return true;
    });
    each = same.empty() ? idle_.erase(each) : std::next(each);
  }
}

void connection_pool::wake_for_the_next() {
  deadline next = never;
  for (const auto& [key, same] : idle_) {
    for (const kept& each : same) next = std::min(next, each.until);
  }
  if (next != never) expiry_->set(home_, next);
}

}  // namespace copas::http
