// The line echo server written by hand on epoll, for this one protocol: the limit that the others are compared
// with. A request costs its share of an epoll_wait, one recv and one send. Sockets are registered once,
// edge-triggered; a short read is known to have emptied the socket, so the next one waits for the next edge. All
// complete lines of a read are answered by one send. Nothing is allocated unless a line arrives in parts or the
// peer does not take its answer. With `blocks` it sends back whatever comes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

constexpr std::uint32_t input = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t output = EPOLLOUT | EPOLLET;

int checked(int result, const char* call) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), call};
  return result;
}

struct connection {
  explicit connection(int accepted) : socket{accepted} {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { close(socket); }

  int socket;
  std::string partial;  // the beginning of a line
  std::string unsent;   // what the peer did not take yet; nothing is read meanwhile
};

enum class outcome { open, blocked, ended };

class server {
 public:
  server(std::uint16_t port, bool lines)
      : lines_{lines},
        poll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")},
        listener_{checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")} {
    const int on = 1;
    checked(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    checked(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(listen(listener_, SOMAXCONN), "listen");
    control(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    checked(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return ntohs(address.sin_port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(static_cast<connection*>(event.data.ptr), event.events);
        }
      }
    }
  }

 private:
  void control(int operation, int socket, std::uint32_t interest, connection* whose) const {
    epoll_event event{.events = interest, .data = {.ptr = whose}};
    checked(epoll_ctl(poll_, operation, socket, &event), "epoll_ctl");
  }

  // The connections belong to epoll's table from here; serve() deletes them.
  void accept_all() const {
    for (;;) {
      const int accepted = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0 && errno == EAGAIN) return;
      if (accepted < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      auto fresh = std::make_unique<connection>(checked(accepted, "accept4"));
      const int on = 1;
      checked(setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
      control(EPOLL_CTL_ADD, accepted, input, fresh.get());
      fresh.release();
    }
  }

  void serve(connection* from, std::uint32_t events) {
    if (!from->unsent.empty()) {
      const auto flushed = flush(*from);
      if (flushed == outcome::ended) delete from;
      if (flushed != outcome::open) return;
      return control(EPOLL_CTL_MOD, from->socket, input, from);  // input that came meanwhile is an edge now
    }
    const auto result = read_and_answer(*from, events);
    if (result == outcome::ended) delete from;
    if (result == outcome::blocked) control(EPOLL_CTL_MOD, from->socket, output, from);
  }

  outcome read_and_answer(connection& from, std::uint32_t events) {
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;  // the end has no edge of its own
    for (;;) {
      const auto count = recv(from.socket, buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EAGAIN) return outcome::open;
      if (count <= 0) return outcome::ended;
      const std::string_view received{buffer_.data(), static_cast<std::size_t>(count)};
      const auto result = !lines_                ? send_all(from, received)
                          : from.partial.empty() ? answer(from, received, 0)
                                                 : answer_joined(from, received);
      if (result != outcome::open) return result;
      if (received.size() < buffer_.size() && !ending) return outcome::open;
    }
  }

  static outcome answer_joined(connection& from, std::string_view received) {
    auto joined = std::move(from.partial);
    from.partial.clear();
    const auto searched = joined.size();
    joined += received;
    return answer(from, joined, searched);
  }

  // Sends the complete lines of `text` back, which has no LF before `searched`, and keeps the rest.
  static outcome answer(connection& from, std::string_view text, std::size_t searched) {
    std::size_t complete = 0;
    bool quit = false;
    while (const void* found = std::memchr(text.data() + searched, '\n', text.size() - searched)) {
      const auto lf = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
      quit = text.substr(complete, lf - complete) == "quit";
      if (quit) break;
      complete = searched = lf + 1;
    }
    if (complete < text.size() && !quit) from.partial = text.substr(complete);
    const auto result = complete == 0 ? outcome::open : send_all(from, text.substr(0, complete));
    return quit ? outcome::ended : result;
  }

  static outcome send_all(connection& to, std::string_view data) {
    const auto count = send(to.socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return outcome::ended;
    const auto sent = count < 0 ? 0 : static_cast<std::size_t>(count);
    if (sent == data.size()) return outcome::open;
    to.unsent = data.substr(sent);
    return outcome::blocked;
  }

  static outcome flush(connection& to) {
    const auto data = std::move(to.unsent);
    to.unsent.clear();
    return send_all(to, data);
  }

  bool lines_;
  int poll_;
  int listener_;
  std::array<char, std::size_t{64} * 1024> buffer_;
};

}  // namespace

int main(int count, char** arguments) {
  std::uint16_t port = 0;
  if (count > 1) std::from_chars(arguments[1], arguments[1] + std::strlen(arguments[1]), port);
  try {
    server echo{port, count < 3 || std::string_view{arguments[2]} != "blocks"};
    std::printf("listening %u\n", unsigned{echo.port()});
    std::fflush(stdout);
    echo.run();
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "echo-epoll: %s\n", error.what());
    return 1;
  }
}
