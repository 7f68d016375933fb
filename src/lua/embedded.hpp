#pragma once

#include <span>
#include <string_view>

namespace copas::lua {

/// A module of lua/copas, compiled into the library as text.
struct embedded_chunk {
  std::string_view name;    // its path below lua/copas without .lua, e.g. "timer"
  std::string_view source;  // the whole file
};

/// All of them. cmake/embed_lua.cmake writes the definition.
std::span<const embedded_chunk> embedded_chunks() noexcept;

}  // namespace copas::lua
