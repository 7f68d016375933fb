#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "copas/tls/engine.hpp"

namespace copas::testing {

/// What a certificate is to say.
struct certificate_request {
  std::string name = "localhost";  ///< a host name or an address
  std::chrono::hours from{-1};  ///< the time that it is valid in, from now
  std::chrono::hours to{24};
};

/// An authority of the test's own, with what it has signed, as files of PEM in a folder that goes with the object.
class authority {
 public:
  authority();
  ~authority();
  authority(const authority&) = delete;
  authority& operator=(const authority&) = delete;

  /// The certificate of the authority itself.
  [[nodiscard]] std::string file() const { return path("ca.pem"); }
  [[nodiscard]] std::string folder() const;
  /// Makes a certificate with a key of P-256.
  tls::key_pair sign(const certificate_request& wanted = {});
  /// Makes one that nobody but its own key has signed.
  tls::key_pair sign_by_itself(const certificate_request& wanted = {});
  /// Makes the file of certificates to trust, with the list of those that are revoked behind the authority's.
  std::string revoke(const std::vector<tls::key_pair>& revoked);

 private:
  struct state;
  [[nodiscard]] std::string path(const std::string& name) const;
  tls::key_pair make(const certificate_request& wanted, bool by_itself);

  std::unique_ptr<state> state_;
};

}  // namespace copas::testing
