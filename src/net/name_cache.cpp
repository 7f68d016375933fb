#include "net/name_cache.hpp"

#include <netdb.h>

namespace copas {

const dns::answer* name_cache::find(const dns_question& asked, deadline now) {
  const auto found = by_question_.find(asked);
  if (found == by_question_.end()) return nullptr;
  const auto at = found->second;
  if (at->end <= now) {
    by_question_.erase(found);
    entries_.erase(at);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at);
  return &at->found;
}

void name_cache::keep(const dns_question& asked, const dns::answer& found, deadline now) {
  const bool sure = found.failure == 0 || found.failure == EAI_NONAME;
  if (capacity_ == 0 || !sure || found.lifetime <= std::chrono::seconds::zero()) return;
  const deadline end = now + found.lifetime;
  const auto known = by_question_.find(asked);
  if (known != by_question_.end()) {
    known->second->found = found;
    known->second->end = end;
    return;
  }
  while (entries_.size() >= capacity_) {
    by_question_.erase(entries_.back().asked);
    entries_.pop_back();
  }
  entries_.push_front({asked, found, end});
  by_question_.emplace(asked, entries_.begin());
}

}  // namespace copas
