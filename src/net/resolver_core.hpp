#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <unordered_map>

#include "copas/core/loop.hpp"
#include "copas/core/wait_list.hpp"
#include "copas/net/resolver.hpp"
#include "net/helper_threads.hpp"
#include "net/hosts_file.hpp"
#include "net/name_cache.hpp"
#include "net/name_client.hpp"
#include "net/resolver_configuration.hpp"
#include "net/watched_file.hpp"

namespace copas::detail {

/// Whoever waits for the answer to a question. Destroying it, or `unlink`, ends the waiting.
class answer_listener : public list_link {
 public:
  /// It waits no more, and may ask the next question.
  virtual void on_answer(const dns::answer& found) noexcept = 0;

 protected:
  ~answer_listener() = default;
};

/// What the lookups of a resolver share: the files, the cache, and the questions that wait for an answer.
class resolver_core {
 public:
  resolver_core(loop& home, resolver_options how, dns::engine* by);
  resolver_core(const resolver_core&) = delete;
  resolver_core& operator=(const resolver_core&) = delete;
  ~resolver_core();

  [[nodiscard]] loop& home() const noexcept { return home_; }
  [[nodiscard]] const resolver_options& options() const noexcept { return options_; }
  [[nodiscard]] bool by_system() const noexcept {
    return options_.mode == resolver_options::way::system || engine_ == nullptr;
  }
  void set_options(resolver_options how);
  void set_engine(dns::engine* by) noexcept;

  /// To be called when a lookup begins: what may have changed is found out, also that this is the child of a fork(2).
  void begin();
  [[nodiscard]] hosts_file& hosts() noexcept { return hosts_; }
  [[nodiscard]] const resolver_configuration& configuration();

  /// @return  null if no answer is kept; valid until anything is asked.
  [[nodiscard]] const dns::answer* kept(const dns_question& asked) { return cache_.find(asked, home_.io().now()); }
  /// Asks, unless the same is being asked already. The answer may come before this returns.
  /// @error std::bad_alloc
  void ask(const dns_question& asked, answer_listener& by);

 private:
  class pending_question;
  void send(pending_question& asked);
  void complete(pending_question& asked, const dns::answer& found) noexcept;
  void complete(const dns_question& asked, const dns::answer& found) noexcept;
  void ask_anew();
  void ask_system(const dns_question& asked);

  loop& home_;
  resolver_options options_;
  dns::engine* engine_;
  hosts_file hosts_;
  watched_file resolv_conf_;
  std::optional<resolver_configuration> configuration_;
  name_cache cache_;
  std::unordered_map<dns_question, std::unique_ptr<pending_question>, dns_question_hash> pending_;
  std::unique_ptr<name_client> client_;  // made for the first question; it refers to what is pending
  std::unique_ptr<helper_threads> helpers_;
  std::shared_ptr<resolver_core*> self_;  // for what helpers bring: null when they bring it too late
  pid_t process_;
};

}  // namespace copas::detail
