#pragma once

#include <array>
#include <cstdint>

#include "copas/io/listener.hpp"
#include "copas/io/stream.hpp"
#include "copas/net/address.hpp"
#include "lua/compat.hpp"
#include "lua/seconds.hpp"
#include "lua/state.hpp"
#include "lua/thread.hpp"

namespace copas::lua {

/// What a TCP object is; it changes by `listen` and `connect`.
enum class tcp_class : std::uint8_t { master, client, server };

/// The limits of Copas' own operations on a socket. `unlimited` unless set; zero counts as unlimited, but for receive in a
/// wrapper, which then takes what is there.
struct operation_timeouts {
  std::chrono::nanoseconds connect = unlimited;
  std::chrono::nanoseconds send = unlimited;
  std::chrono::nanoseconds receive = unlimited;
};

/// The limits of blocking calls, as LuaSocket has them.
struct blocking_timeouts {
  double block = -1;  ///< seconds for each wait inside a call; negative: none
  double total = -1;  ///< seconds for a whole call
};

/// A TCP socket as Lua sees it: the same object that LuaSocket offers, and what Copas needs to know of it.
class tcp_object {
 public:
  /// Pushes a new object.
  /// @param fd  may be none; must be non-blocking.
  static tcp_object& push(lua_State* L, state& shared, tcp_class what, family which, unique_fd fd);

  /// The object at `index`; null if there is something else.
  [[nodiscard]] static tcp_object* to(lua_State* L, int index) noexcept;
  /// The object at `index`; raises an error that names the expected class if it is something else, or of another class.
  static tcp_object& check(lua_State* L, int index);
  static tcp_object& check(lua_State* L, int index, tcp_class expected);

  /// Pushes the metatable of a class.
  static void push_metatable(lua_State* L, tcp_class what);
  [[nodiscard]] static const char* class_name(tcp_class what) noexcept;

  /// Makes it another kind of object; it is at `index`.
  void become(lua_State* L, int index, tcp_class what);

  /// The connection; of a master, what will become one.
  [[nodiscard]] ref<copas::stream> stream() const noexcept { return ref{static_cast<copas::stream*>(socket_.get())}; }
  [[nodiscard]] copas::stream& connection() const noexcept { return static_cast<copas::stream&>(*socket_); }
  [[nodiscard]] ref<copas::listener> listener() const noexcept {
    return ref{static_cast<copas::listener*>(socket_.get())};
  }
  [[nodiscard]] copas::socket& socket() const noexcept { return *socket_; }
  [[nodiscard]] const ref<copas::socket>& shared() const noexcept { return socket_; }
  [[nodiscard]] int fd() const noexcept { return socket_->fd(); }
  [[nodiscard]] tcp_class what() const noexcept { return class_; }

  /// Makes the descriptor, if there is none yet.
  std::error_code open(family which);

  operation_timeouts limits;
  blocking_timeouts blocking;
  family inet = family::unspecified;
  served_client client;  ///< if a server accepted it, for its name
  deadline birth;

 private:
  friend void open_tcp_objects(lua_State* L);
  static int finalise(lua_State* L);

  const void* magic_ = nullptr;
  ref<copas::socket> socket_;
  tcp_class class_ = tcp_class::master;
};

/// Registers the methods and metatables of TCP objects.
void open_tcp_objects(lua_State* L);

/// `getoption` and `setoption`, which are many.
int tcp_getoption(lua_State* L);
int tcp_setoption(lua_State* L);

}  // namespace copas::lua
