#pragma once

#include <span>
#include <string>
#include <string_view>

namespace copas::lua {

/// A module of lua/copas, which is a part of the library.
struct embedded_chunk {
  std::string_view name;  // its path below lua/copas without .lua, e.g. "timer"
  std::string_view code;  // the text of the file; in the runtime bytecode, for its Lua is known when it is built
};

/// All of them. cmake/embed_lua.cmake has the definition written.
std::span<const embedded_chunk> embedded_chunks() noexcept;

/// What a chunk is called in errors and tracebacks.
inline std::string title_of_chunk(std::string_view name) { return std::string{"=copas/"}.append(name).append(".lua"); }

}  // namespace copas::lua
