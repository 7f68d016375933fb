#pragma once

#include <map>
#include <memory>

#include "copas/core/loop.hpp"
#include "copas/net/dns_engine.hpp"

namespace copas {

/// A channel to name servers that a loop drives: it waits for the channel's descriptors and timeouts, in the background.
class name_client final : dns::watcher, wait_node {
 public:
  /// @error std::bad_alloc
  name_client(loop& home, dns::engine& by, const dns::channel_settings& how);
  ~name_client() override;

  /// As `dns::channel::ask`.
  void ask(const std::string& name, dns::record what, dns::questioner& by) noexcept;

 private:
  class source;

  void watch(int fd, bool read, bool write) noexcept override;
  void stop_watching(int fd) noexcept;
  void on_source_event() noexcept;
  bool advance() override;
  void process_events() noexcept;
  void arm(source& of) noexcept;
  void wait_for_next() noexcept;

  loop& home_;
  std::unique_ptr<dns::channel> channel_;
  std::map<int, source> sources_;
  bool processing_ = false;
};

}  // namespace copas
