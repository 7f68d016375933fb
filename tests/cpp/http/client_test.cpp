#include "copas/http/client.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/http/error.hpp"
#include "copas/net/options.hpp"
#include "copas/net/tcp.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"

namespace copas::http {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// A server in the same loop: answers each request with the next text; the last one again and again.
class scripted_server {
 public:
  scripted_server(loop& home, std::deque<std::string> answers, bool closes = false)
      : listener_{tcp_listener::bind(home, "127.0.0.1", 0).value()},
        answers_{std::move(answers)},
        closes_{closes},
        members_{home} {
    members_.spawn(accept());
  }

  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(listener_.local()->port()) + path;
  }
  std::vector<std::string> requests;
  int connections = 0;

 private:
  task<> accept() {
    while (auto connection = co_await listener_.accept()) {
      ++connections;
      members_.spawn(serve(*std::move(connection)));
    }
  }

  task<> serve(tcp_stream by) {
    static_cast<void>(by.set_option(option::no_delay, true));  // or single bytes wait for acknowledgements
    while (true) {
      std::string head, line;
      do {
        if (!co_await by.receive_line(line)) co_return;
        head += line + "\n";
      } while (!line.empty());
      const auto length = head.find("content-length: ");
      if (length != std::string::npos) {
        std::string body;
        if (!co_await by.receive_exactly(body, std::stoul(head.substr(length + 16)))) co_return;
        head += body;
      }
      requests.push_back(head);
      const std::string answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
      if (!co_await by.send(answer) || closes_ || answer.empty()) co_return;
    }
  }

  tcp_listener listener_;
  std::deque<std::string> answers_;
  bool closes_;
  scope members_;
};

class Client : public world_test {
 protected:
  struct outcome {
    int status = 0;
    std::string body;
    std::error_code error;
  };

  task<outcome> ask(request what) {
    auto answer = co_await web.send(std::move(what));
    if (!answer) co_return outcome{.status = 0, .body = {}, .error = answer.error()};
    auto body = co_await answer->text();
    if (!body) co_return outcome{.status = answer->status(), .body = {}, .error = body.error()};
    co_return outcome{.status = answer->status(), .body = *body, .error = {}};
  }
  outcome perform(request what) { return copas::testing::run(events, ask(std::move(what))); }

  client web{events};
};
INSTANTIATE_TEST_SUITE_P(Worlds, Client, every_world, name_of_world);

TEST_P(Client, GetsWhatIsAtAUrl) {
  scripted_server server{events, {std::string{ok}}};

  const auto body = copas::testing::run(events, web.get(server.url("/x?y#z")));

  EXPECT_EQ(body.value(), "hello");
  EXPECT_THAT(server.requests.at(0), StartsWith("GET /x?y HTTP/1.1\n"));
  EXPECT_THAT(server.requests.at(0), HasSubstr("\nhost: 127.0.0.1:"));
}

TEST_P(Client, UsesAConnectionAgain) {
  scripted_server server{events, {std::string{ok}}};

  for (int count = 0; count < 3; ++count) {
    const outcome got = perform(request{server.url()});
    EXPECT_EQ(got.body, "hello") << got.error.message();
  }

  EXPECT_EQ(server.connections, 1);
  EXPECT_EQ(web.idle(), 1U);
  web.close_idle();
}

TEST_P(Client, ClosesTheConnectionIfItIsToldTo) {
  scripted_server server{events, {std::string{ok}}};
  for (int count = 0; count < 2; ++count) {
    request what{server.url()};
    what.keeps_connection = false;
    perform(std::move(what));
  }

  EXPECT_EQ(server.connections, 2);
  EXPECT_THAT(server.requests.at(0), HasSubstr("connection: close"));
}

TEST_P(Client, DoesNotKeepAConnectionWhoseResponseIsNotRead) {
  scripted_server server{events, {std::string{ok}}};
  auto drop = [&]() -> task<> { static_cast<void>(co_await web.send(request{server.url()})); };
  copas::testing::run(events, drop());

  EXPECT_EQ(web.idle(), 0U);
}

TEST_P(Client, RepeatsARequestThatMeetsAClosedConnection) {
  scripted_server server{events, {std::string{ok}, "", std::string{ok}}};
  perform(request{server.url()});

  EXPECT_EQ(perform(request{server.url()}).body, "hello");
  EXPECT_EQ(server.requests.size(), 3U);
}

TEST_P(Client, SendsWhatMustNotBeSentTwiceOverANewConnection) {
  scripted_server server{events, {std::string{ok}}};
  perform(request{server.url()});
  request what{server.url(), "POST"};
  what.body = "a=b";
  perform(std::move(what));

  EXPECT_EQ(server.connections, 2);
  EXPECT_THAT(server.requests.at(1), ::testing::EndsWith("\n\na=b"));
  web.close_idle();
}

TEST_P(Client, SendsASourceInChunks) {
  const tcp_listener listener = tcp_listener::bind(events, "127.0.0.1", 0).value();
  std::string heard;
  auto serve = [&](tcp_listener& at) -> task<> {
    auto by = co_await at.accept();
    std::string line;
    do {
      static_cast<void>(co_await by->receive_line(line));
      heard += line + "\n";
    } while (line != "0");
    static_cast<void>(co_await by->send(ok));
  };
  auto& at = const_cast<tcp_listener&>(listener);
  events.spawn(serve(at));
  request what{"http://127.0.0.1:" + std::to_string(listener.local()->port()), "PUT"};
  int calls = 0;
  what.source = [&]() -> task<result<std::string_view>> {
    co_await sleep_for(events, 1ms);
    static constexpr std::string_view pieces[] = {"one", "three", ""};
    co_return pieces[calls++];
  };

  EXPECT_EQ(perform(std::move(what)).body, "hello");
  EXPECT_THAT(heard, HasSubstr("transfer-encoding: chunked"));
  EXPECT_THAT(heard, HasSubstr("3\none\n5\nthree\n0\n"));
}

TEST_P(Client, FollowsRedirects) {
  scripted_server server{events,
                         {"HTTP/1.1 302 Found\r\nLocation: ../x\r\nContent-Length: 3\r\n\r\nabc", std::string{ok}}};

  EXPECT_EQ(perform(request{server.url("/a/b")}).body, "hello");
  EXPECT_THAT(server.requests.at(1), StartsWith("GET /x "));
}

TEST_P(Client, FollowsNoMoreRedirectsThanItIsTold) {
  scripted_server server{events, {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"}};

  EXPECT_EQ(perform(request{server.url()}).status, 302);
  EXPECT_EQ(server.requests.size(), 6U);
  request none{server.url()};
  none.redirects = redirect_policy::none;
  EXPECT_EQ(perform(std::move(none)).status, 302);
  EXPECT_EQ(server.requests.size(), 7U);
  web.close_idle();
}

TEST_P(Client, TakesSecretsToTheSameServerOnly) {
  scripted_server other{events, {std::string{ok}}};
  scripted_server server{events, {"HTTP/1.1 302 Found\r\nLocation: " + other.url() + "\r\nContent-Length: 0\r\n\r\n"}};
  request what{server.url()};
  what.headers.add("Cookie", "secret");
  what.headers.add("x-mine", "yes");
  perform(std::move(what));

  EXPECT_THAT(server.requests.at(0), HasSubstr("Cookie: secret"));
  EXPECT_THAT(other.requests.at(0), Not(HasSubstr("secret")));
  EXPECT_THAT(other.requests.at(0), HasSubstr("x-mine: yes"));
  web.close_idle();
}

TEST_P(Client, SkipsWhatComesBeforeTheResponse) {
  scripted_server server{
      events, {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + std::string{ok}}};

  EXPECT_EQ(perform(request{server.url()}).body, "hello");
}

TEST_P(Client, AsksAProxyForTheWholeUrl) {
  scripted_server proxy{events, {std::string{ok}}};
  client::options how;
  how.proxy = proxy.url();
  how.no_proxy = "near.test";
  web = client{events, how};

  EXPECT_EQ(perform(request{"http://me:pw@far.test/x"}).body, "hello");
  EXPECT_THAT(proxy.requests.at(0), StartsWith("GET http://far.test/x HTTP/1.1\n"));
  EXPECT_THAT(proxy.requests.at(0), HasSubstr("\nhost: far.test\n"));
  EXPECT_THAT(proxy.requests.at(0), HasSubstr("authorization: Basic bWU6cHc="));
}

TEST_P(Client, TellsThatAProxyRefuses) {
  scripted_server proxy{events, {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}};
  client::options how;
  how.proxy = proxy.url();
  web = client{events, how};

  EXPECT_EQ(perform(request{"https://far.test/"}).error, make_error_code(error::proxy_refused));
  EXPECT_THAT(proxy.requests.at(0), StartsWith("CONNECT far.test:443 HTTP/1.1\n"));
}

TEST_P(Client, RefusesWhatCouldEndALineBeforeAnythingIsSent) {
  EXPECT_EQ(perform(request{"http://127.0.0.1:1/a b"}).error, make_error_code(error::invalid_target));
  EXPECT_EQ(perform(request{"http:///x"}).error, make_error_code(error::invalid_host));
  EXPECT_EQ(perform(request{"http://127.0.0.1:1/", "GET /"}).error, make_error_code(error::invalid_method));
  request what{"http://127.0.0.1:1/"};
  what.headers.add("a", "b\r\nc: d");
  EXPECT_EQ(perform(std::move(what)).error, make_error_code(error::invalid_field_value));
}

TEST_P(Client, TellsWhatIsWrongWithAResponseAndDropsTheConnection) {
  scripted_server server{events, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}};

  EXPECT_EQ(perform(request{server.url()}).error, make_error_code(error::invalid_chunk));
  EXPECT_EQ(web.idle(), 0U);
}

TEST_P(Client, GivesUpAtTheDeadlineOfTheWholeRequest) {
  scripted_server server{events, {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}};
  request what{server.url()};
  what.until = events.io().after(50ms);

  const outcome got = perform(std::move(what));

  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.error, errc::timed_out);
}

TEST_P(Client, GivesUpAServerThatStalls) {
  scripted_server server{events, {"HTTP/1.1 2"}};
  client::options how;
  how.receive_timeout = 20ms;
  web = client{events, how};

  EXPECT_EQ(perform(request{server.url()}).error, errc::timed_out);
}

TEST_P(Client, RunsManyRequestsAtOnce) {
  scripted_server server{events, {std::string{ok}}};
  int done = 0;
  auto get = [&]() -> task<> {
    const auto body = co_await web.get(server.url());
    if (body && *body == "hello") ++done;
  };
  for (int count = 0; count < 20; ++count) events.spawn(get());
  turn_until(events, [&] { return done == 20; });
  web.close_idle();
}

TEST_P(Client, MayEndWhileItsResponseIsRead) {
  scripted_server server{events, {std::string{ok}}};
  auto use = [&]() -> task<std::string> {
    auto brief = std::make_unique<client>(events);
    auto answer = co_await brief->send(request{server.url()});
    brief.reset();
    co_return (co_await answer->text()).value();
  };

  EXPECT_EQ(copas::testing::run(events, use()), "hello");
}

}  // namespace
}  // namespace copas::http
