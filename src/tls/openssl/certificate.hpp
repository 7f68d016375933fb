#pragma once

#include "copas/tls/engine.hpp"
#include "tls/openssl/handles.hpp"

namespace copas::tls {

/// @param held  one share of the certificate, taken over.
[[nodiscard]] certificate_ptr make_certificate(x509_ptr held);
[[nodiscard]] certificate_ptr parse_certificate(std::string_view pem);

}  // namespace copas::tls
