#include "tls/closed_session.hpp"

namespace copas::tls {
namespace {

class nothing final : public session {
 public:
  explicit nothing(role mode) noexcept : mode_{mode} {}

  [[nodiscard]] role mode() const noexcept override { return mode_; }
  [[nodiscard]] step handshake(transport&) noexcept override { return {.how = progress::ended}; }
  [[nodiscard]] step read(transport&, std::span<std::byte>) noexcept override { return {.how = progress::ended}; }
  [[nodiscard]] step write(transport&, std::span<const std::byte>) noexcept override {
    return {.how = progress::ended};
  }
  [[nodiscard]] step flush(transport&) noexcept override { return {}; }
  [[nodiscard]] bool unsent() const noexcept override { return false; }
  [[nodiscard]] bool readable() const noexcept override { return false; }
  [[nodiscard]] bool starved() const noexcept override { return false; }
  void shut_down(transport&) noexcept override {}
  [[nodiscard]] std::string take_unsent() noexcept override { return {}; }
  void ask_for(const std::string&) noexcept override {}
  void expect(const std::string&) noexcept override {}
  void resume(const session&) noexcept override {}
  void serve(std::map<std::string, context_ptr>, bool) noexcept override {}
  [[nodiscard]] std::vector<std::string> offered_protocols() const override { return {}; }
  void choose_protocols(std::vector<std::string>) noexcept override {}
  [[nodiscard]] std::optional<std::string> server_name() const override { return {}; }
  [[nodiscard]] std::optional<std::string> protocol() const override { return {}; }
  [[nodiscard]] connection_info info() const override { return {}; }
  [[nodiscard]] std::vector<certificate_ptr> peer_chain() const override { return {}; }
  [[nodiscard]] std::string verification_error() const override { return {}; }
  [[nodiscard]] std::vector<std::vector<std::string>> verification_errors() const override { return {}; }
  [[nodiscard]] std::string finished(party) const noexcept override { return {}; }
  [[nodiscard]] std::string export_keying_material(const std::string&, std::size_t,
                                                   const std::optional<std::string>&) const noexcept override {
    return {};
  }
  [[nodiscard]] bool resumed() const noexcept override { return false; }
  [[nodiscard]] bool set_dane(const std::string&) noexcept override { return false; }
  [[nodiscard]] int add_tlsa(int, int, int, const std::string&) noexcept override { return 0; }

 private:
  role mode_;
};

}  // namespace

session& closed_session(role mode) noexcept {
  static nothing client{role::client};
  static nothing server{role::server};
  return mode == role::client ? client : server;
}

}  // namespace copas::tls
