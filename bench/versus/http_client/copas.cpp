// Makes HTTP requests on our C++ library: one client, in as many tasks as requests at once.
//   http_client-copas many URL COUNT AT_ONCE   |   http_client-copas download URL BYTES

#include <copas/copas.hpp>
#include <copas/http/client.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view expected = "hello, world, from a server that has little to say\n";

void require(bool right) {
  if (!right) throw std::runtime_error{"a request failed"};
}

copas::task<> make_many(copas::http::client& web, std::string url, long& left) {
  while (left-- > 0) {
    auto answer = co_await web.send(copas::http::request{url});
    require(answer && answer->status() == 200);
    const auto body = co_await answer->text();
    require(body && *body == expected);
  }
}

copas::task<> download(copas::http::client& web, std::string url, std::uint64_t bytes) {
  auto answer = co_await web.send(copas::http::request{std::move(url)});
  require(answer && answer->status() == 200);
  std::uint64_t received = 0;
  for (;;) {
    const auto piece = co_await answer->read();
    require(piece.has_value());
    if (piece->empty()) break;
    received += piece->size();
  }
  require(received == bytes);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  copas::loop events{copas::system_reactor()};
  bool failed = false;
  events.on_error([&](const std::exception_ptr&, const copas::task_record&) { failed = true; });
  copas::http::client web{events};
  long left = std::atol(arguments[3]);
  if (std::string_view{arguments[1]} == "many" && count > 4) {
    for (long task = std::atol(arguments[4]); task > 0; --task) events.spawn(make_many(web, arguments[2], left));
  } else {
    events.spawn(download(web, arguments[2], std::strtoull(arguments[3], nullptr, 10)));
  }
  events.run();
  return failed ? 1 : 0;
}
