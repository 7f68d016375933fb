# copas_embed_lua(<target> BASE <folder> FILES <file>... [COMPILER <target>]): an object library with the Lua files, as
# text, or as the bytecode that a program of ours writes, see src/runtime/compile_chunks.cpp.
#
# The files are named relative to BASE, a folder below the project's; a chunk is called after its path in there, without
# .lua. src/lua/embedded.hpp declares what the library defines. The C++ is written when the target is built, by this
# file run as a script (cmake -P) or by the compiler, and again whenever one of the Lua files changes.
cmake_minimum_required(VERSION 3.25)

function(copas_embed_lua target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "BASE;COMPILER" FILES)
  set(base ${PROJECT_SOURCE_DIR}/${arg_BASE})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  list(TRANSFORM arg_FILES PREPEND ${base}/ OUTPUT_VARIABLE paths)
  if(arg_COMPILER)
    set(writer ${arg_COMPILER} ${output} ${base} ${arg_FILES})
  else()
    list(JOIN arg_FILES "," files)
    set(writer ${CMAKE_COMMAND} -Dbase=${base} -Dfiles=${files} -Doutput=${output}
      -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  endif()
  add_custom_command(OUTPUT ${output}
    COMMAND ${writer}
    DEPENDS ${paths} ${CMAKE_CURRENT_FUNCTION_LIST_FILE} ${arg_COMPILER}
    COMMENT "Embedding ${arg_BASE}"
    VERBATIM)

  add_library(${target} OBJECT ${output})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE copas::options)
  set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "" COPAS_LUA_FILES "${arg_FILES}")
  target_compile_options(${target} PRIVATE -fvisibility=hidden -Wno-overlength-strings)
endfunction()

# copas_write_chunks(): writes the C++ file `output` with the text of `files`, which commas separate.
function(copas_write_chunks)
  string(REPLACE "," ";" files "${files}")
  set(fence lua_text)  # )lua_text" ends a raw string
  set(chunks "")
  foreach(file IN LISTS files)
    file(READ ${base}/${file} text)
    string(FIND "${text}" ")${fence}\"" clash)
    if(NOT clash EQUAL -1)
      message(FATAL_ERROR "${base}/${file} contains )${fence}\"")
    endif()
    string(REGEX REPLACE "\\.lua$" "" name "${file}")
    string(APPEND chunks "    {\"${name}\"sv, R\"${fence}(${text})${fence}\"sv},\n")
  endforeach()

  list(LENGTH files count)
  file(WRITE ${output} "// Written by cmake/embed_lua.cmake.
#include \"lua/embedded.hpp\"

#include <array>

namespace copas::lua {

using namespace std::string_view_literals;

static constexpr std::array<embedded_chunk, ${count}> chunks{{
${chunks}}};

std::span<const embedded_chunk> embedded_chunks() noexcept { return chunks; }

}  // namespace copas::lua
")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  copas_write_chunks()
endif()
