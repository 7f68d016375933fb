#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "copas/core/deadline.hpp"
#include "copas/net/dns_engine.hpp"

namespace copas {

/// A question: what is asked about which name.
struct dns_question {
  std::string name;  ///< in small letters
  dns::record what;

  friend bool operator==(const dns_question&, const dns_question&) = default;
};

struct dns_question_hash {
  std::size_t operator()(const dns_question& of) const noexcept {
    return std::hash<std::string>{}(of.name) * 31 + static_cast<std::size_t>(of.what);
  }
};

/// Answers, for as long as their records live, but not more than so many: the one used longest ago goes first.
class name_cache {
 public:
  /// @param capacity  none keeps nothing.
  explicit name_cache(std::size_t capacity) noexcept : capacity_{capacity} {}

  /// @return  null if there is none, or none that still lives; valid until the next call.
  [[nodiscard]] const dns::answer* find(const dns_question& asked, deadline now);
  void keep(const dns_question& asked, const dns::answer& found, deadline now);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    dns_question asked;
    dns::answer found;
    deadline end;
  };

  std::size_t capacity_;
  std::list<entry> entries_;  // the one used last comes first
  std::unordered_map<dns_question, std::list<entry>::iterator, dns_question_hash> by_question_;
};

}  // namespace copas
