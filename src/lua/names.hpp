#pragma once

#include <memory>
#include <string>
#include <vector>

#include "copas/net/resolver.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

class scheduler;
class state;

/// How one Lua state looks names up: in threads by the resolver of their scheduler, elsewhere by one that blocks, with a
/// loop of its own. Both have the same options, and so the same results.
class names {
 public:
  explicit names(state& owner);
  names(const names&) = delete;
  names& operator=(const names&) = delete;
  ~names();

  /// The resolver for the threads of a scheduler.
  [[nodiscard]] resolver& of(scheduler& whose);
  /// The one for whoever blocks.
  [[nodiscard]] resolver& blocking();

  void set_options(const resolver_options& how);
  [[nodiscard]] const resolver_options& options() const noexcept { return options_; }

  /// Loads the library that asks name servers, if that has not been tried and if it is needed; runs Lua code. To be called
  /// before a name is looked up for which somebody has to be asked. Without the library lookups go the system's way.
  void load_engine(lua_State* L);
  /// Can it ask name servers, after `load_engine`?
  [[nodiscard]] bool has_engine() const noexcept { return engine_ != nullptr; }

  /// Keeps something that was found while it is pushed: what `kept` and `drop` take.
  [[nodiscard]] std::size_t keep(host_entry found);
  [[nodiscard]] const host_entry& kept(std::size_t at) const noexcept { return *kept_[at]; }
  void drop(std::size_t at) noexcept {
    if (at < kept_.size()) kept_.resize(at);
  }
  [[nodiscard]] std::size_t kept_entries() const noexcept { return kept_.size(); }

 private:
  struct blocking_resolver;

  state& owner_;
  resolver_options options_;
  dns::engine* engine_ = nullptr;
  bool engine_tried_ = false;
  std::unique_ptr<blocking_resolver> blocking_;
  std::vector<std::unique_ptr<host_entry>> kept_;
};

/// The thread that may wait for a look-up which `L` makes; null if there is none, or if it runs inside of something that a
/// thread cannot wait in, such as `require` or, in Lua 5.1, `pcall`.
[[nodiscard]] class thread* thread_to_wait(lua_State* L);

/// Waits for a look-up outside of threads; nothing else runs meanwhile.
[[nodiscard]] result<std::vector<address>> look_up_blocking(resolver& by, lookup_request what,
                                                            std::chrono::nanoseconds timeout);
[[nodiscard]] result<host_entry> look_up_host_blocking(resolver& by, std::string name, family wanted);
[[nodiscard]] result<host_entry> look_up_name_blocking(resolver& by, const address& of);

/// Adds what `socket.dns` is built on to the table on top of the stack.
void add_dns_functions(lua_State* L);

}  // namespace copas::lua
