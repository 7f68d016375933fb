#include "net/resolver_configuration.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>

#include "net/words.hpp"

namespace copas {
namespace {

constexpr std::size_t most_servers = 3;  // of the file, as in the C library

// A domain without the dots around it. systemd-resolved writes a lone dot for "none".
std::string bare(std::string_view domain) {
  while (domain.starts_with('.')) domain.remove_prefix(1);
  while (domain.ends_with('.')) domain.remove_suffix(1);
  return std::string{domain};
}

std::vector<std::string> bare_domains(std::span<const std::string_view> words) {
  std::vector<std::string> domains;
  for (const std::string_view each : words) {
    if (std::string domain = bare(each); !domain.empty()) domains.push_back(std::move(domain));
  }
  return domains;
}

// The number behind `name` in a word such as "ndots:2", but not more than `most`.
std::optional<int> number_in(std::string_view word, std::string_view name, int most) {
  if (!word.starts_with(name)) return {};
  word.remove_prefix(name.size());
  int number = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (failed != std::errc{} || end != word.data() + word.size() || number < 0) return {};
  return std::min(number, most);
}

void apply_option(std::string_view word, resolver_configuration& to) {
  if (const auto dots = number_in(word, "ndots:", 15)) to.dots = *dots;
  if (const auto seconds = number_in(word, "timeout:", 30))
    to.channel.timeout = std::chrono::seconds{std::max(*seconds, 1)};
  if (const auto tries = number_in(word, "attempts:", 5)) to.channel.tries = std::max(*tries, 1);
  if (word == "rotate") to.channel.rotate = true;
  if (word == "use-vc") to.channel.by_tcp = true;
}

void apply_line(std::string_view line, resolver_configuration& to) {
  const auto words = words_of(line, "#;");
  if (words.size() < 2) return;
  const auto values = std::span{words}.subspan(1);
  if (words.front() == "nameserver" && to.channel.servers.size() < most_servers) {
    if (const auto at = address::parse(std::string{values.front()}, 0)) to.channel.servers.push_back(*at);
  } else if (words.front() == "search") {
    to.domains = bare_domains(values);
  } else if (words.front() == "domain") {
    to.domains = bare_domains(values.first(1));
  } else if (words.front() == "options") {
    for (const std::string_view each : values) apply_option(each, to);
  }
}

// The domain of this machine, by its own name.
std::vector<std::string> own_domain() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string_view full{name.data()};
  const auto dot = full.find('.');
  if (dot == std::string_view::npos) return {};
  return bare_domains(std::array{full.substr(dot)});
}

}  // namespace

resolver_configuration resolver_configuration::read(const resolver_options& options) {
  resolver_configuration made;
  bool searches = false;
  std::ifstream lines{options.resolv_conf};
  for (std::string line; std::getline(lines, line);) {
    apply_line(line, made);
    searches = searches || line.starts_with("search") || line.starts_with("domain");
  }
  if (!searches) made.domains = own_domain();
  if (const char* const domains = std::getenv("LOCALDOMAIN")) made.domains = bare_domains(words_of(domains, ""));
  if (const char* const more = std::getenv("RES_OPTIONS")) {
    for (const std::string_view each : words_of(more, "")) apply_option(each, made);
  }

  if (!options.servers.empty()) made.channel.servers = options.servers;
  if (made.channel.servers.empty()) made.channel.servers.push_back(address::parse("127.0.0.1", 0).value());
  if (options.timeout) made.channel.timeout = *options.timeout;
  if (options.tries) made.channel.tries = *options.tries;
  if (options.domains) {
    const std::vector<std::string_view> given{options.domains->begin(), options.domains->end()};
    made.domains = bare_domains(given);
  }
  if (options.dots) made.dots = *options.dots;
  return made;
}

std::vector<std::string> resolver_configuration::meanings(const std::string& name) const {
  if (name.ends_with('.')) return {name.substr(0, name.size() - 1)};
  std::vector<std::string> names;
  names.reserve(domains.size() + 1);
  for (const std::string& each : domains) names.emplace_back(name).append(".").append(each);
  const bool as_it_is_first = std::ranges::count(name, '.') >= dots;
  names.insert(as_it_is_first ? names.begin() : names.end(), name);
  return names;
}

}  // namespace copas
