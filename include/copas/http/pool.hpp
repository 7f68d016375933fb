#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/io/stream.hpp"

namespace copas::http {

/// Connections that nobody uses at the moment, kept for the next request to the same place.
///
/// It closes those that nobody has used for a while, which does not keep the loop running. It may outlive the loop.
class connection_pool {
 public:
  struct limits {
    std::size_t per_key = 64;  ///< connections for one key
    std::size_t total = 256;   ///< connections in all
    std::chrono::nanoseconds idle = std::chrono::seconds{5};  ///< how long nobody may use one
  };

  explicit connection_pool(loop& home);
  connection_pool(loop& home, limits most);
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;
  ~connection_pool();

  /// Keeps a connection that is clean: a request can be sent at once. If there are too many, the oldest are closed.
  /// @param key   whatever a connection must have in common with a request, such as scheme, host and port.
  /// @param idle  how long nobody may use it, in place of the limit for all.
  void put(const std::string& key, ref<stream> connection, std::chrono::nanoseconds idle);
  void put(const std::string& key, ref<stream> connection) { put(key, std::move(connection), most_.idle); }

  /// The connection for this key that was used last and that is still good, as far as can be told; null if there is none.
  [[nodiscard]] ref<stream> take(const std::string& key);

  /// Changes what it keeps from now on.
  void limit(limits most) noexcept { most_ = most; }
  [[nodiscard]] const limits& limit() const noexcept { return most_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Closes all.
  void clear() noexcept;

 private:
  class expiry;
  struct kept {
    ref<stream> connection;
    deadline until;
  };
  using line = std::deque<kept>;

  void drop_oldest() noexcept;
  void drop_expired() noexcept;
  void wake_for_the_next();

  loop& home_;
  limits most_;
  std::map<std::string, line, std::less<>> idle_;  // each in the order in which they were used; none is empty
  std::size_t size_ = 0;
  std::unique_ptr<expiry> expiry_;
};

}  // namespace copas::http
