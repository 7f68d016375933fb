#include <stdexcept>

#include "copas/tls/tls_stream.hpp"

namespace copas::tls {

context_ptr make_context(const parameters& wanted) {
  auto made = openssl_engine().make_context(wanted);
  if (!made) throw std::runtime_error{made.error().text};
  return *std::move(made);
}

}  // namespace copas::tls
