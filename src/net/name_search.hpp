#pragma once

#include <string>
#include <vector>

#include "copas/net/resolver.hpp"
#include "net/resolver_core.hpp"

namespace copas::detail {

/// Finds out about one host: by the files, or by asking about each name that is meant by its name, until one exists.
///
/// Both families are asked for at once; a name exists if one of them has an address. Whoever is told of progress sees the
/// addresses of one family before those of the other are known.
class name_search {
 public:
  /// By its name.
  name_search(resolver_core& by, std::string name, family wanted);
  /// By its address.
  name_search(resolver_core& by, const address& of);
  name_search(const name_search&) = delete;
  name_search& operator=(const name_search&) = delete;

  /// Finds out what needs no question. Nothing else is done.
  /// @return  is that all?
  [[nodiscard]] bool look_around();
  /// Begins; `done` may hold when this returns.
  void start() noexcept;
  /// Calls `run(with)` when addresses were found, and when it is done; not within `start`.
  void on_progress(void (*run)(void*), void* with) noexcept;

  [[nodiscard]] bool done() const noexcept { return done_; }
  /// Is the answer for this family still to come?
  [[nodiscard]] bool waits_for(family which) const noexcept;
  /// Why nothing was found. @pre done()
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  /// What has been found so far.
  [[nodiscard]] const host_entry& found() const noexcept { return found_; }
  [[nodiscard]] host_entry take() noexcept { return std::move(found_); }
  [[nodiscard]] resolver_core& core() const noexcept { return core_; }

 private:
  class part final : public answer_listener {
   public:
    part(name_search& owner, dns::record what) noexcept : owner_{owner}, what_{what} {}
    void ask(const std::string& name);
    void on_answer(const dns::answer& found) noexcept override;

    [[nodiscard]] dns::record what() const noexcept { return what_; }
    [[nodiscard]] bool waiting() const noexcept { return waiting_; }
    int failure = 0;

   private:
    name_search& owner_;
    dns::record what_;
    bool waiting_ = false;
  };

  void add_part(dns::record what) { parts_.push_back(std::make_unique<part>(*this, what)); }
  [[nodiscard]] bool look_into_hosts();
  [[nodiscard]] bool look_into_cache();
  [[nodiscard]] std::vector<std::string> names_to_try();
  void ask_about_next();
  void take_over(const dns::answer& found);
  void on_part(part& answered, const dns::answer& found) noexcept;
  void settle();
  void finish(int failure) noexcept;

  resolver_core& core_;
  std::string name_;  // in small letters; of a search by address the address
  address address_;
  family wanted_ = family::unspecified;
  std::vector<std::unique_ptr<part>> parts_;
  std::vector<std::string> names_;  // to try
  std::size_t next_ = 0;
  host_entry found_;
  std::error_code error_;
  void (*progress_)(void*) = nullptr;
  void* whom_ = nullptr;
  bool done_ = false;
  bool asking_ = false;  // answers that come at once are looked at together
};

}  // namespace copas::detail
