#include "copas/tls/tls_stream.hpp"

#include <utility>

namespace copas::tls {

task<result<tls_stream>> secure(loop& home, context_ptr by, tcp_stream plain, std::optional<std::string> host,
                                deadline until) {
  const ref<stream> secured = stream::over(plain.shared(), *by);
  if (!secured) co_return std::unexpected{std::make_error_code(std::errc::not_enough_memory)};
  tls_stream connection{home, secured};
  if (host) {
    connection.session().ask_for(*host);
    connection.session().expect(*host);
  }
  if (const std::error_code error = co_await handshake_operation{&home, secured, until})
    co_return std::unexpected{error};
  co_return connection;
}

task<result<tls_stream>> connect(loop& home, context_ptr by, std::string host, std::uint16_t port, deadline until) {
  auto plain = co_await copas::connect(home, host, port, until);
  if (!plain) co_return std::unexpected{plain.error()};
  std::optional<std::string> name{std::move(host)};
  co_return co_await secure(home, std::move(by), std::move(*plain), std::move(name), until);
}

}  // namespace copas::tls
