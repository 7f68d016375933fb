#include "net/name_search.hpp"

#include <netdb.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "net/system_lookup.hpp"
#include "net/words.hpp"

namespace copas::detail {
namespace {

constexpr std::size_t longest_name = 253;  // RFC 1035 section 2.3.4, as text
constexpr std::size_t longest_label = 63;

// Can there be such a name? Blanks and control characters are in none, and a backslash means something to libraries.
bool can_exist(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > longest_name) return false;
  for (;;) {
    const auto label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > longest_label) return false;
    for (const char each : label) {
      if ((each >= 0 && each <= ' ') || each == '\\' || each == '\x7f') return false;
    }
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

// Is the name this domain, or one in it?
bool is_in(std::string_view name, std::string_view domain) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!name.ends_with(domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

std::vector<address> loopback_of(family wanted) {
  std::vector<address> both;
  if (wanted != family::inet4) both.push_back(address::parse("::1", 0).value());
  if (wanted != family::inet6) both.push_back(address::parse("127.0.0.1", 0).value());
  return both;
}

bool is_of(const address& which, family wanted) noexcept {
  return wanted == family::unspecified || which.family() == wanted;
}

bool is_record_of(dns::record what, family which) noexcept {
  return what == dns::record::any_address || (what == dns::record::aaaa) == (which == family::inet6);
}

}  // namespace

name_search::name_search(resolver_core& by, std::string name, family wanted)
    : core_{by}, name_{in_small_letters(name)}, wanted_{wanted} {
  if (wanted == family::unspecified && core_.by_system()) {
    add_part(dns::record::any_address);
  } else {
    if (wanted != family::inet4) add_part(dns::record::aaaa);
    if (wanted != family::inet6) add_part(dns::record::a);
  }
}

name_search::name_search(resolver_core& by, const address& of) : core_{by}, name_{of.host()}, address_{of} {
  add_part(dns::record::ptr);
}

void name_search::on_progress(void (*run)(void*), void* with) noexcept {
  progress_ = run;
  whom_ = with;
}

bool name_search::waits_for(family which) const noexcept {
  return std::ranges::any_of(parts_,
                             [=](const auto& each) { return each->waiting() && is_record_of(each->what(), which); });
}

bool name_search::look_around() {
  core_.begin();
  const bool by_address = address_.family() != family::unspecified;
  if (!by_address && !can_exist(name_)) {
    finish(EAI_NONAME);
  } else if (core_.by_system()) {
    names_ = {name_};
  } else if (look_into_hosts()) {
    finish(0);
  } else {
    const bool reserved = is_in(name_, "invalid") || is_in(name_, "onion");  // RFC 6761 section 6.4, RFC 7686
    if (!reserved) names_ = names_to_try();
    if (reserved || look_into_cache()) finish(reserved ? EAI_NONAME : 0);
  }
  return done_;
}

bool name_search::look_into_hosts() {
  const bool by_address = address_.family() != family::unspecified;
  std::string bare = name_;
  if (bare.ends_with('.')) bare.pop_back();
  if (const host_entry* const said = by_address ? core_.hosts().find(address_) : core_.hosts().find(bare)) {
    found_ = {.name = said->name, .aliases = said->aliases, .addresses = {}};
    std::ranges::copy_if(said->addresses, std::back_inserter(found_.addresses),
                         [this](const address& each) { return is_of(each, wanted_); });
    if (!found_.addresses.empty()) return true;
  }
  if (by_address || !is_in(bare, "localhost")) return false;
  found_ = {.name = bare, .aliases = {}, .addresses = loopback_of(wanted_)};
  return true;
}

// Everything about the first name that is known to exist.
bool name_search::look_into_cache() {
  for (const std::string& each : names_) {
    for (const auto& asked : parts_) {
      const dns::answer* const known = core_.kept({each, asked->what()});
      if (known == nullptr) {
        found_ = {};
        return false;
      }
      take_over(*known);
    }
    if (!found_.addresses.empty()) return true;
  }
  return false;
}

std::vector<std::string> name_search::names_to_try() {
  if (address_.family() != family::unspecified) return {name_for_reverse(address_)};
  return core_.configuration().meanings(name_);
}

void name_search::start() noexcept {
  try {
    if (look_around()) return;
    ask_about_next();
  } catch (const std::bad_alloc&) {
    finish(EAI_MEMORY);
  }
}

void name_search::ask_about_next() {
  const std::string& name = names_[next_++];
  asking_ = true;
  try {
    for (const auto& each : parts_) each->ask(name);
  } catch (const std::bad_alloc&) {
    asking_ = false;
    throw;
  }
  asking_ = false;
  settle();
}

void name_search::part::ask(const std::string& name) {
  const dns_question question{name, what_};
  waiting_ = true;
  try {
    owner_.core_.ask(question, *this);
  } catch (const std::bad_alloc&) {
    waiting_ = false;
    throw;
  }
}

void name_search::part::on_answer(const dns::answer& found) noexcept {
  waiting_ = false;
  failure = found.failure;
  owner_.on_part(*this, found);
}

void name_search::on_part(part& answered, const dns::answer& found) noexcept {
  try {
    if (found.failure == 0) take_over(found);
    if (!asking_) settle();
  } catch (const std::bad_alloc&) {
    answered.failure = EAI_MEMORY;
    finish(EAI_MEMORY);
  }
  if (!asking_ && progress_ != nullptr && (done_ || !found_.addresses.empty())) progress_(whom_);
}

void name_search::take_over(const dns::answer& found) {
  if (found_.name.empty()) found_.name = found.name;
  for (const std::string& each : found.aliases) {
    if (std::ranges::find(found_.aliases, each) == found_.aliases.end()) found_.aliases.push_back(each);
  }
  for (const address& each : found.addresses) {
    if (std::ranges::find(found_.addresses, each) == found_.addresses.end()) found_.addresses.push_back(each);
  }
}

// When all parts have their answers: is it found, is there another name to try, or was it all in vain?
void name_search::settle() {
  if (done_ || std::ranges::any_of(parts_, &part::waiting, &std::unique_ptr<part>::operator*)) return;
  const bool by_address = address_.family() != family::unspecified;
  if (by_address && !found_.name.empty()) found_.addresses = {address_};
  if (!found_.addresses.empty()) return finish(0);
  const auto failed =
      std::ranges::find_if(parts_, [](const auto& each) { return each->failure != 0 && each->failure != EAI_NONAME; });
  if (failed != parts_.end()) return finish((*failed)->failure);
  if (next_ == names_.size()) return finish(EAI_NONAME);
  ask_about_next();
}

void name_search::finish(int failure) noexcept {
  done_ = true;
  error_ = failure == 0 ? std::error_code{} : std::error_code{failure, resolver_category()};
}

}  // namespace copas::detail
