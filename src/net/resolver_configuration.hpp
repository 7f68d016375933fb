#pragma once

#include <string>
#include <vector>

#include "copas/net/dns_engine.hpp"
#include "copas/net/resolver.hpp"

namespace copas {

/// How names are looked up: what resolv.conf(5) says, unless the options say something else.
struct resolver_configuration {
  dns::channel_settings channel;
  std::vector<std::string> domains;  ///< that a name may be meant in, without dots at their ends
  int dots = 1;  ///< a name with that many is tried as it is first

  /// Reads the file of the options, and the environment (LOCALDOMAIN, RES_OPTIONS).
  [[nodiscard]] static resolver_configuration read(const resolver_options& options);

  /// The absolute names that a name may stand for, in the order to try them.
  ///
  /// @param name  one that ends with a dot stands for itself alone.
  [[nodiscard]] std::vector<std::string> meanings(const std::string& name) const;
};

}  // namespace copas
