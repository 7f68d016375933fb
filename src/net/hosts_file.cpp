#include "net/hosts_file.hpp"

#include <algorithm>
#include <fstream>

#include "net/words.hpp"

namespace copas {

const host_entry* hosts_file::find(const std::string& name) {
  read_if_changed();
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

const host_entry* hosts_file::find(const address& at) {
  read_if_changed();
  const auto found = by_address_.find(at.host());
  return found == by_address_.end() ? nullptr : &found->second;
}

void hosts_file::read_if_changed() {
  if (!file_.changed()) return;
  by_name_.clear();
  by_address_.clear();
  std::ifstream lines{file_.path()};
  for (std::string line; std::getline(lines, line);) read_line(line);
}

// An address, the canonical name of a host, and its aliases.
void hosts_file::read_line(std::string_view line) {
  const auto words = words_of(line, "#");
  if (words.size() < 2) return;
  const auto at = address::parse(std::string{words.front()}, 0);
  if (!at) return;
  const std::string name{words[1]};
  const std::vector<std::string> aliases{words.begin() + 2, words.end()};
  for (std::size_t each = 1; each < words.size(); ++each) {
    auto known = by_name_.try_emplace(in_small_letters(words[each]), host_entry{name, aliases, {}});
    auto& addresses = known.first->second.addresses;
    if (std::ranges::find(addresses, *at) == addresses.end()) addresses.push_back(*at);
  }
  by_address_.try_emplace(at->host(), host_entry{name, aliases, {*at}});
}

}  // namespace copas
