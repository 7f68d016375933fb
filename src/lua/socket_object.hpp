#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "copas/io/listener.hpp"
#include "copas/io/stream.hpp"
#include "copas/net/address.hpp"
#include "lua/compat.hpp"
#include "lua/seconds.hpp"
#include "lua/state.hpp"
#include "lua/thread.hpp"

namespace copas::lua {

enum class socket_kind : std::uint8_t { tcp, udp, unix_stream, unix_datagram, tls };

/// What a socket object is good for. It changes by `listen` and `connect`, or `setpeername`.
enum class socket_role : std::uint8_t { master, client, server, unconnected, connected };

/// The class of an object, such as "tcp{client}".
struct socket_class {
  socket_kind kind;
  socket_role role;

  friend bool operator==(const socket_class&, const socket_class&) = default;
};

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

/// A socket as Lua sees it: the same object that LuaSocket offers, and what Copas needs to know of it.
class socket_object {
 public:
  /// Pushes a new object, whose socket has no descriptor yet: one that is open would be left behind by an error of Lua.
  static socket_object& push(lua_State* L, state& shared, socket_class what, family which);
  /// Pushes the object of the connection that `server` has accepted.
  static socket_object& push_accepted(lua_State* L, state& shared, socket_object& server);

  /// The object at `index`; null if there is something else.
  [[nodiscard]] static socket_object* to(lua_State* L, int index) noexcept;
  /// The object at `index`; raises an error that names the expected class if it is something else, or of another one.
  static socket_object& check(lua_State* L, int index, socket_kind expected);
  static socket_object& check(lua_State* L, int index, socket_class expected);

  /// Makes it another kind of object; it is at `index`.
  void become(lua_State* L, int index, socket_role what);

  /// Gives it another socket to stand for.
  void carry(ref<copas::socket> connection) noexcept { socket_ = std::move(connection); }

  /// The connection; of a master, what will become one.
  [[nodiscard]] ref<copas::stream> stream() const noexcept { return ref{static_cast<copas::stream*>(socket_.get())}; }
  [[nodiscard]] copas::stream& connection() const noexcept { return static_cast<copas::stream&>(*socket_); }
  [[nodiscard]] ref<copas::listener> listener() const noexcept {
    return ref{static_cast<copas::listener*>(socket_.get())};
  }
  [[nodiscard]] copas::socket& socket() const noexcept { return *socket_; }
  [[nodiscard]] const ref<copas::socket>& shared() const noexcept { return socket_; }
  [[nodiscard]] int fd() const noexcept { return socket_->fd(); }
  /// The Lua state's part that it belongs to; quicker to reach than by an upvalue.
  [[nodiscard]] state& home() const noexcept { return *home_; }
  [[nodiscard]] socket_class what() const noexcept { return class_; }
  [[nodiscard]] socket_kind kind() const noexcept { return class_.kind; }
  [[nodiscard]] socket_role role() const noexcept { return class_.role; }
  /// Lets small sends be gathered or not, by its connection or those that it accepts.
  void set_gathering(bool wanted) noexcept;
  [[nodiscard]] bool is_datagram() const noexcept {
    return class_.kind == socket_kind::udp || class_.kind == socket_kind::unix_datagram;
  }

  operation_timeouts limits;
  blocking_timeouts blocking;
  family inet = family::unspecified;
  bool gathers = true;  ///< whether its small sends are gathered, or those of the connections that it accepts
  served_client client;  ///< if a server accepted it, for its name
  unique_fd accepted;  ///< of a server: the connection that comes next, until there is an object for it
  deadline birth;

 private:
  friend void register_socket_classes(lua_State* L, socket_kind kind, std::initializer_list<socket_role> roles,
                                      std::span<const luaL_Reg> methods);
  static int finalise(lua_State* L);

  const void* magic_ = nullptr;
  state* home_ = nullptr;
  ref<copas::socket> socket_;
  socket_class class_{};
};

/// Raises the error of LuaSocket for the argument at `index`, which is of another class.
[[noreturn]] void refuse_class(lua_State* L, int index, socket_class expected);

/// Registers the metatables of a kind of objects. Their methods are closures that know the kind: see `self`.
void register_socket_classes(lua_State* L, socket_kind kind, std::initializer_list<socket_role> roles,
                             std::span<const luaL_Reg> methods);

/// Pushes the table of the methods of a class.
void push_methods(lua_State* L, socket_class what);

/// The object that a method was called for; raises an error if it is not of the kind, or the role, of the method.
[[nodiscard]] socket_object& self(lua_State* L);
[[nodiscard]] socket_object& self(lua_State* L, socket_role expected);

}  // namespace copas::lua
