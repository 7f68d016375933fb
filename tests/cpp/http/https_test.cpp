// Requests by TLS.
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "copas/core/scope.hpp"
#include "copas/http/client.hpp"
#include "copas/net/options.hpp"
#include "copas/net/tcp.hpp"
#include "copas/tls/error.hpp"
#include "copas/tls/tls_stream.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas::http {
namespace {

using namespace copas::testing;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

  [[nodiscard]] std::string host_and_port() const { return "127.0.0.1:" + std::to_string(listener_.local()->port()); }
  [[nodiscard]] std::string url() const { return "https://" + host_and_port(); }
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
      static_cast<void>(plain->set_option(option::no_delay, true));  // or single bytes wait for acknowledgements
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
  EXPECT_THAT(got.error().message(), HasSubstr("certificate verify failed"));
}

// A proxy that opens the one tunnel it is asked for.
class proxy {
 public:
  explicit proxy(loop& home) : home_{home} { members_.spawn(serve()); }

  [[nodiscard]] std::string url() const {
    return "http://me:pw@127.0.0.1:" + std::to_string(listener_.local()->port());
  }
  std::string head;  // what it was asked
  std::string carried;  // what the client has sent through it

 private:
  task<> serve() {
    auto client = co_await listener_.accept();
    static_cast<void>(client->set_option(option::no_delay, true));
    std::string line;
    do {
      if (!co_await client->receive_line(line)) co_return;
      head += line + "\n";
    } while (!line.empty());
    const auto port = static_cast<std::uint16_t>(std::stoi(head.substr(head.find(':') + 1)));
    auto server = co_await connect(home_, "127.0.0.1", port);
    if (!server || !co_await client->send("HTTP/1.1 200 Connected\r\n\r\n")) co_return;
    static_cast<void>(server->set_option(option::no_delay, true));
    scope directions{home_};
    directions.spawn(carry(*server, *client, nullptr));
    co_await carry(*client, *server, &carried);
  }

  static task<> carry(tcp_stream& from, tcp_stream& to, std::string* seen) {
    std::array<std::byte, 4096> space;
    while (const auto received = co_await from.receive(space)) {
      const std::string_view bytes{reinterpret_cast<const char*>(space.data()), received.bytes};
      if (seen != nullptr) *seen += bytes;
      if (!co_await to.send(bytes)) break;
    }
  }

  loop& home_;
  tcp_listener listener_ = tcp_listener::bind(home_, "127.0.0.1", 0).value();
  scope members_{home_};
};

TEST_P(Https, GoesThroughAProxyThatSeesNothingOfIt) {
  proxy by{events};
  client::options how;
  how.tls = trusting();
  how.proxy = by.url();
  client web{events, how};

  const auto got = run(events, web.get(url()));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, "hello");

  EXPECT_THAT(by.head, StartsWith("CONNECT " + host_and_port() + " HTTP/1.1\n"));
  EXPECT_THAT(by.head, HasSubstr("\nproxy-authorization: Basic bWU6cHc=\n"));
  EXPECT_THAT(by.carried, Not(HasSubstr("HTTP/1.1")));
  web.close_idle();
}

}  // namespace
}  // namespace copas::http
