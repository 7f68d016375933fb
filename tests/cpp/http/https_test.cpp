// Requests by TLS.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "copas/core/scope.hpp"
#include "copas/http/client.hpp"
#include "copas/net/tcp.hpp"
#include "copas/tls/error.hpp"
#include "copas/tls/tls_stream.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas::http {
namespace {

using namespace copas::testing;

// A certificate for 127.0.0.1 that is its own authority, as long as the tests run.
class identity {
 public:
  identity() : folder_{std::filesystem::temp_directory_path() / ("copas-https-" + std::to_string(::getpid()))} {
    std::filesystem::create_directory(folder_);
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
        "-addext subjectAltName=IP:127.0.0.1 -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    made = std::system(command.c_str()) == 0;
  }
  ~identity() { std::filesystem::remove_all(folder_); }
  identity(const identity&) = delete;
  identity& operator=(const identity&) = delete;

  [[nodiscard]] std::string key() const { return folder_ / "key.pem"; }
  [[nodiscard]] std::string certificate() const { return folder_ / "certificate.pem"; }
  bool made = false;

 private:
  std::filesystem::path folder_;
};

class Https : public world_test {
 protected:
  static void SetUpTestSuite() { whose = std::make_unique<identity>(); }
  static void TearDownTestSuite() { whose.reset(); }

  Https() {
    tls::parameters server;
    server.mode = tls::role::server;
    server.keys.push_back({.certificate = whose->certificate(), .key = whose->key(), .password = {}});
    context_ = tls::make_context(server);
    members_.spawn(accept());
  }

  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(listener_.local()->port()); }
  static tls::context_ptr trusting() {
    tls::parameters safe;
    safe.ca_file = whose->certificate();
    return tls::make_context(safe);
  }

  static inline std::unique_ptr<identity> whose;
  int connections = 0;

 private:
  task<> accept() {
    while (auto plain = co_await listener_.accept()) {
      const int on = 1;  // or single bytes wait for acknowledgements
      ::setsockopt(plain->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++connections;
      members_.spawn(serve(*std::move(plain)));
    }
  }

  task<> serve(tcp_stream plain) {
    std::optional<std::string> nobody;
    auto by = co_await tls::secure(events, context_, std::move(plain), std::move(nobody));
    while (by) {
      std::string line;
      do {
        if (!co_await by->receive_line(line)) co_return;
      } while (!line.empty());
      if (!co_await by->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) co_return;
    }
  }

  tcp_listener listener_ = tcp_listener::bind(events, "127.0.0.1", 0).value();
  tls::context_ptr context_;
  scope members_{events};
};
INSTANTIATE_TEST_SUITE_P(Worlds, Https, every_world, name_of_world);

TEST_P(Https, IsVerifiedAndUsesConnectionsAgain) {
  ASSERT_TRUE(whose->made);
  client::options how;
  how.tls = trusting();
  client web{events, how};

  for (int count = 0; count < 3; ++count) EXPECT_EQ(run(events, web.get(url())).value(), "hello");

  EXPECT_EQ(connections, 1);
  web.close_idle();
}

TEST_P(Https, RefusesAPeerThatNobodyVouchesFor) {
  client web{events};

  const auto got = run(events, web.get(url()));

  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().category(), tls::category());
  EXPECT_THAT(got.error().message(), ::testing::HasSubstr("certificate verify failed"));
}

}  // namespace
}  // namespace copas::http
