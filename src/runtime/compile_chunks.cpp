// compile_chunks OUTPUT BASE FILE...: writes C++ that defines embedded_chunks() as bytecode of the Lua that this program
// is linked with. cmake/embed_lua.cmake runs it where the runtime is built, which is linked with the same one.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "lua/compat.hpp"
#include "lua/embedded.hpp"

namespace {

using state = std::unique_ptr<lua_State, decltype([](lua_State* L) { lua_close(L); })>;

int append_piece(lua_State*, const void* piece, std::size_t size, void* to) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(piece), size);
  return 0;
}

[[noreturn]] void fail(std::string_view why) {
  std::cerr << "compile_chunks: " << why << '\n';
  std::exit(EXIT_FAILURE);
}

// Bytecode with what errors and tracebacks tell: positions and names.
std::string compile(lua_State* L, const std::string& path, std::string_view name) {
  std::ifstream file{path, std::ios::binary};
  file.peek();  // a folder can be opened, but not read
  if (!file) fail(path + " cannot be read");
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::string title = copas::lua::title_of_chunk(name);
  if (luaL_loadbuffer(L, text.data(), text.size(), title.c_str()) != LUA_OK) fail(lua_tostring(L, -1));
  std::string bytecode;
#if LUA_VERSION_NUM >= 503
  lua_dump(L, &append_piece, &bytecode, 0);
#else
  lua_dump(L, &append_piece, &bytecode);
#endif
  lua_pop(L, 1);
  return bytecode;
}

void write_literal(std::ostream& to, std::string_view bytes) {
  constexpr std::size_t bytes_in_line = 30;
  for (std::size_t at = 0; at < bytes.size(); at += bytes_in_line) {
    to << "\n     \"";
    for (const char byte : bytes.substr(at, bytes_in_line)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      to << escape;
    }
    to << '"';
  }
  to << "sv";
}

}  // namespace

int main(int count, char** arguments) {
  const std::span words{arguments, static_cast<std::size_t>(count)};
  if (words.size() < 4) fail("expected OUTPUT BASE FILE...");
  const state L{luaL_newstate()};
  std::ostringstream written;  // to the file when all is well: a part of it would pass for the whole in the next build
  written << "#include \"lua/embedded.hpp\"\n\n#include <array>\n\nnamespace copas::lua {\n\n"
             "using namespace std::string_view_literals;\n\nstatic constexpr std::array chunks{\n";
  for (const std::string file : words.subspan(3)) {
    const std::string name = file.substr(0, file.rfind('.'));
    written << "    embedded_chunk{\"" << name << "\"sv,";
    write_literal(written, compile(L.get(), std::string{words[2]} + '/' + file, name));
    written << "},\n";
  }
  written << "};\n\nstd::span<const embedded_chunk> embedded_chunks() noexcept { return chunks; }\n\n"
             "}  // namespace copas::lua\n";
  if (std::ofstream output{words[1]}; !(output << written.view()).flush())
    fail(std::string{words[1]} + " cannot be written");
}
