#include "net/resolver_core.hpp"

#include <netdb.h>
#include <unistd.h>

#include <system_error>
#include <utility>
#include <vector>

#include "net/system_lookup.hpp"

namespace copas::detail {

class resolver_core::pending_question final : public dns::questioner {
 public:
  pending_question(resolver_core& owner, dns_question asked) : owner_{owner}, asked_{std::move(asked)} {}

  [[nodiscard]] const dns_question& asked() const noexcept { return asked_; }
  void answered(dns::answer what) noexcept override { owner_.complete(*this, what); }

  list<answer_listener> listening;

 private:
  resolver_core& owner_;
  dns_question asked_;
};

resolver_core::resolver_core(loop& home, resolver_options how, dns::engine* by)
    : home_{home},
      options_{std::move(how)},
      engine_{by},
      hosts_{options_.hosts},
      resolv_conf_{options_.resolv_conf},
      cache_{options_.cache_size},
      self_{std::make_shared<resolver_core*>(this)},
      process_{::getpid()} {}

resolver_core::~resolver_core() = default;

void resolver_core::set_options(resolver_options how) {
  options_ = std::move(how);
  hosts_ = hosts_file{options_.hosts};
  resolv_conf_ = watched_file{options_.resolv_conf};
  configuration_.reset();
  cache_ = name_cache{options_.cache_size};
  ask_anew();
}

void resolver_core::set_engine(dns::engine* by) noexcept {
  if (engine_ == nullptr) engine_ = by;
}

void resolver_core::begin() {
  const bool forked = std::exchange(process_, ::getpid()) != process_;
  const bool reconfigured = resolv_conf_.changed() && configuration_.has_value();
  if (reconfigured) configuration_.reset();
  if (forked || reconfigured) ask_anew();
}

const resolver_configuration& resolver_core::configuration() {
  if (!configuration_) configuration_ = resolver_configuration::read(options_);
  return *configuration_;
}

void resolver_core::ask(const dns_question& asked, answer_listener& by) {
  if (const dns::answer* const known = kept(asked)) {
    const dns::answer copy = *known;
    return by.on_answer(copy);
  }
  auto pending = pending_.find(asked);
  const bool first = pending == pending_.end();
  if (first) pending = pending_.emplace(asked, std::make_unique<pending_question>(*this, asked)).first;
  pending_question& waiting = *pending->second;
  waiting.listening.push_back(by);
  if (first) send(waiting);
}

void resolver_core::send(pending_question& asked) {
  try {
    if (by_system()) return ask_system(asked.asked());
    if (!client_) client_ = std::make_unique<name_client>(home_, *engine_, configuration().channel);
    client_->ask(asked.asked().name, asked.asked().what, asked);
  } catch (const std::bad_alloc&) {
    complete(asked, dns::answer::failed(EAI_MEMORY));
  } catch (const std::system_error&) {
    complete(asked, dns::answer::failed(EAI_AGAIN));  // there are too many threads
  }
}

void resolver_core::ask_system(const dns_question& asked) {
  if (!helpers_) helpers_ = std::make_unique<helper_threads>(home_);
  struct errand {
    dns_question asked;
    std::weak_ptr<resolver_core*> owner;
    dns::answer found;
  };
  const auto sent = std::make_shared<errand>(errand{.asked = asked, .owner = self_, .found = {}});
  helpers_->run([sent] { sent->found = look_up_by_system(sent->asked); },
                [sent] {
                  if (const auto alive = sent->owner.lock()) (*alive)->complete(sent->asked, sent->found);
                });
}

void resolver_core::complete(const dns_question& asked, const dns::answer& found) noexcept {
  const auto waiting = pending_.find(asked);
  if (waiting != pending_.end()) complete(*waiting->second, found);
}

void resolver_core::complete(pending_question& asked, const dns::answer& found) noexcept {
  const auto done = pending_.extract(asked.asked());
  try {
    cache_.keep(asked.asked(), found, home_.io().now());
  } catch (const std::bad_alloc&) {
    cache_ = name_cache{options_.cache_size};  // memory is needed for something else
  }
  while (!asked.listening.empty()) asked.listening.pop_front().on_answer(found);
}

// What is on its way is lost: to another server, or to another process that has the same descriptors.
void resolver_core::ask_anew() {
  std::vector<pending_question*> waiting;
  waiting.reserve(pending_.size());
  for (const auto& [asked, each] : pending_) waiting.push_back(each.get());
  client_.reset();
  helpers_.reset();
  for (pending_question* const each : waiting) send(*each);
}

}  // namespace copas::detail
