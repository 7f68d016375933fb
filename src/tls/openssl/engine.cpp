#include "copas/tls/engine.hpp"

#include "tls/openssl/certificate.hpp"
#include "tls/openssl/context.hpp"
#include "tls/openssl/options.hpp"

namespace copas::tls {
namespace {

class openssl final : public engine {
 public:
  [[nodiscard]] std::expected<context_ptr, failure> make_context(const parameters& wanted) override {
    return openssl_context::make(wanted);
  }
  [[nodiscard]] certificate_ptr load_certificate(std::string_view pem) override { return parse_certificate(pem); }
  [[nodiscard]] std::vector<std::string> option_names() override { return all_option_names(); }
  [[nodiscard]] std::vector<std::string> curve_names() override { return all_curve_names(); }
};

}  // namespace

engine& openssl_engine() noexcept {
  static openssl only;
  return only;
}

}  // namespace copas::tls
