// The loop of bare.lua, by hand on epoll: what the C interface of a Lua, its coroutines and strings cost at least. A
// request costs its share of an epoll_wait, one recv, one send, one resume and yield. Sockets are registered once,
// edge-triggered; a short read is known to have emptied the socket. Answers to lines that came together leave together.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <lua.hpp>
#include <string>
#include <string_view>

namespace {

constexpr std::uint32_t input = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t output = EPOLLOUT | EPOLLET;

struct connection {
  connection(int accepted, lua_State* handler, int reference)
      : socket{accepted}, coroutine{handler}, anchor{reference} {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { close(socket); }

  int socket;
  lua_State* coroutine;
  int anchor;  // keeps the coroutine in the registry
  std::size_t wanted = 0;  // bytes; 0 is a line
  std::string_view fresh;  // what was read and not taken, in the loop's buffer
  std::string kept;  // the same, from earlier reads
  std::string unsent;
  bool ended = false;  // the peer sends no more
  bool failed = false;
};

int resume(lua_State* coroutine, lua_State* from, int count) {
#if LUA_VERSION_NUM >= 504
  int results = 0;
  return lua_resume(coroutine, from, count, &results);
#elif LUA_VERSION_NUM >= 502
  return lua_resume(coroutine, from, count);
#else
  static_cast<void>(from);
  return lua_resume(coroutine, count);
#endif
}

connection& argument(lua_State* L) { return *static_cast<connection*>(lua_touserdata(L, 1)); }

// The length of the next line with its end, or of the next block; 0 if it is not there yet.
std::size_t next_length(std::string_view bytes, std::size_t wanted) {
  if (wanted != 0) return bytes.size() < wanted ? 0 : wanted;
  const void* const end = bytes.empty() ? nullptr : std::memchr(bytes.data(), '\n', bytes.size());
  return end == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
}

// Pushes what the coroutine wants, if it has come, or nil if it never will.
bool push_input(lua_State* L, connection& from) {
  if (!from.kept.empty()) {
    from.kept += from.fresh;
    from.fresh = {};
  }
  const std::string_view bytes = from.kept.empty() ? from.fresh : std::string_view{from.kept};
  const std::size_t length = next_length(bytes, from.wanted);
  if (length == 0) {
    if (from.ended) lua_pushnil(L);
    return from.ended;
  }
  lua_pushlstring(L, bytes.data(), from.wanted == 0 ? length - 1 : length);
  if (from.kept.empty()) {
    from.fresh.remove_prefix(length);
  } else {
    from.kept.erase(0, length);
  }
  return true;
}

// receive(connection [, bytes]): a line or so many bytes; nil at the end
int receive(lua_State* L) {
  connection& from = argument(L);
  from.wanted = lua_gettop(L) > 1 ? static_cast<std::size_t>(lua_tointeger(L, 2)) : 0;
  return push_input(L, from) ? 1 : lua_yield(L, 0);
}

void transmit(connection& to, std::string_view data) {
  const auto count = ::send(to.socket, data.data(), data.size(), MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) {
    to.failed = to.ended = true;
    return;
  }
  const auto sent = count < 0 ? 0 : static_cast<std::size_t>(count);
  if (sent < data.size()) to.unsent.assign(data.substr(sent));
}

// send(connection, text): at once, unless there is more to answer, or the peer takes nothing
int send(lua_State* L) {
  connection& to = argument(L);
  std::size_t length = 0;
  const char* const text = lua_tolstring(L, 2, &length);
  if (to.fresh.empty() && to.kept.empty() && to.unsent.empty()) {
    transmit(to, {text, length});
  } else {
    to.unsent.append(text, length);
  }
  return 0;
}

class server {
 public:
  server(lua_State* L, int poll, int listener) : L_{L}, poll_{poll}, listener_{listener} {}

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(*static_cast<connection*>(event.data.ptr), event.events);
        }
      }
    }
  }

 private:
  void control(int operation, int socket, std::uint32_t interest, connection* whose) const {
    epoll_event event{.events = interest, .data = {.ptr = whose}};
    epoll_ctl(poll_, operation, socket, &event);
  }

  // The handler is at index 2.
  void accept_all() {
    for (;;) {
      const int accepted = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) return;
      const int on = 1;
      setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      lua_State* const coroutine = lua_newthread(L_);
      const int anchor = luaL_ref(L_, LUA_REGISTRYINDEX);
      auto* const fresh = new connection{accepted, coroutine, anchor};
      control(EPOLL_CTL_ADD, accepted, input, fresh);
      lua_pushvalue(L_, 2);
      lua_xmove(L_, coroutine, 1);
      lua_pushlightuserdata(coroutine, fresh);
      go_on(*fresh, 1);
    }
  }

  void go_on(connection& with, int count) {
    const int status = resume(with.coroutine, L_, count);
    if (status == LUA_YIELD) return;
    if (status != 0) std::fprintf(stderr, "bare_loop: %s\n", lua_tostring(with.coroutine, -1));
    with.failed = true;
  }

  void serve(connection& with, std::uint32_t events) {
    if (!with.unsent.empty()) {
      flush(with);
      if (!with.unsent.empty()) return;
      control(EPOLL_CTL_MOD, with.socket, input, &with);  // input that came meanwhile is an edge now
    } else {
      read_and_answer(with, events);
    }
    if (!with.failed) return;
    luaL_unref(L_, LUA_REGISTRYINDEX, with.anchor);
    delete &with;
  }

  void read_and_answer(connection& with, std::uint32_t events) {
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;  // the end has no edge of its own
    while (!with.failed) {
      const auto count = recv(with.socket, buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EAGAIN) return;
      with.ended = count <= 0;
      with.fresh = {buffer_.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
      while (!with.failed && push_input(with.coroutine, with)) go_on(with, 1);
      with.kept += with.fresh;
      with.fresh = {};
      flush(with);
      if (!with.unsent.empty()) return control(EPOLL_CTL_MOD, with.socket, output, &with);
      if (!with.ended && static_cast<std::size_t>(count) < buffer_.size() && !ending) return;
    }
  }

  static void flush(connection& with) {
    if (with.unsent.empty()) return;
    const std::string data = std::move(with.unsent);
    with.unsent.clear();
    transmit(with, data);
  }

  lua_State* L_;
  int poll_;
  int listener_;
  std::array<char, std::size_t{64} * 1024> buffer_;
};

// serve(port, handler): for ever
int serve(lua_State* L) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(luaL_checkinteger(L, 1)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return luaL_error(L, "%s", std::strerror(errno));
  }
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) return luaL_error(L, "%s", std::strerror(errno));
  std::printf("listening %u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  static server echo{L, poll, listener};
  echo.run();
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int luaopen_bare_loop(lua_State* L) {
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, receive);
  lua_setfield(L, -2, "receive");
  lua_pushcfunction(L, send);
  lua_setfield(L, -2, "send");
  lua_pushcfunction(L, serve);
  lua_setfield(L, -2, "serve");
  return 1;
}
