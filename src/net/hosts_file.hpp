#pragma once

#include <string>
#include <unordered_map>

#include "copas/net/address.hpp"
#include "copas/net/resolver.hpp"
#include "net/watched_file.hpp"

namespace copas {

/// The names that /etc/hosts gives addresses, read again when the file has changed. @see hosts(5)
class hosts_file {
 public:
  explicit hosts_file(std::string path) noexcept : file_{std::move(path)} {}

  /// What it says about a name; null if nothing.
  ///
  /// @param name  in small letters, without a dot at its end.
  [[nodiscard]] const host_entry* find(const std::string& name);
  /// The host with this address, whose port does not matter; null if there is none.
  [[nodiscard]] const host_entry* find(const address& at);

 private:
  void read_if_changed();
  void read_line(std::string_view line);

  watched_file file_;
  std::unordered_map<std::string, host_entry> by_name_;
  std::unordered_map<std::string, host_entry> by_address_;
};

}  // namespace copas
