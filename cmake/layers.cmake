# The architecture as a test: which folder may include which. docs/architecture.md draws the same arrows.
#
# Included by CMakeLists.txt, this file adds the CTest test `layers`, which runs the file again as a script (cmake -P)
# over the #includes of include/copas and src, and checks that the links of each folder's target follow the arrows.
cmake_minimum_required(VERSION 3.25)

# A folder includes itself and whatever its arrows lead to.
set(copas_layers core sync io net tls http lua runtime)
set(copas_arrows_core)
set(copas_arrows_sync core)
set(copas_arrows_io core)
set(copas_arrows_net io sync)
set(copas_arrows_tls net)
set(copas_arrows_http tls sync)
set(copas_arrows_lua http sync)
set(copas_arrows_runtime lua)

# copas_reserve(<name> <headers> <files> <why>): only <files> may include <headers>; both are regular expressions.
set(copas_reservations)
function(copas_reserve name headers files why)
  set(copas_reservations ${copas_reservations} ${name} PARENT_SCOPE)
  set(copas_${name}_headers "^(${headers})$" PARENT_SCOPE)
  set(copas_${name}_files "^(${files})" PARENT_SCOPE)
  set(copas_${name}_why "${why}" PARENT_SCOPE)
endfunction()

copas_reserve(lua "lua\\.hpp|lua\\.h|lauxlib\\.h|lualib\\.h|luaconf\\.h|luajit\\.h|compat-5\\.3\\.h"
  "src/lua/|src/runtime/"
  "only src/lua and src/runtime know Lua")
copas_reserve(openssl "openssl/.*" "src/tls/" "only src/tls knows OpenSSL")
copas_reserve(os "sys/(epoll|event|eventfd|timerfd|signalfd|inotify)\\.h|liburing.*|linux/.*|port\\.h|windows\\.h"
  "src/io/reactors/"
  "only src/io/reactors asks which OS it is")
copas_reserve(cares "ares.*\\.h" "src/net/cares/" "only src/net/cares knows c-ares")
copas_reserve(llhttp "llhttp.*" "src/http/parser\\.cpp" "only src/http/parser.cpp knows llhttp")
copas_reserve(zlib "zlib\\.h|zconf\\.h" "src/http/decoder\\.cpp" "only src/http/decoder.cpp knows zlib")
copas_reserve(calls "sys/.*|netinet/.*|arpa/.*|net/.*|(unistd|fcntl|poll|netdb|signal|csignal)(\\.h)?"
  "(src|include/copas)/(io|net|tls|http|lua|runtime)/"
  "core and sync make no system call")

# copas_reach(<out> <layer>): the layer and everything its arrows lead to.
function(copas_reach out layer)
  set(reached ${layer})
  foreach(below IN LISTS copas_arrows_${layer})
    copas_reach(further ${below})
    list(APPEND reached ${further})
  endforeach()
  set(${out} ${reached} PARENT_SCOPE)
endfunction()

# copas_report(<file> <line> <why>): prints file:line of a forbidden line and counts it.
function(copas_report file line why)
  file(READ ${root}/${file} content)
  string(FIND "${content}" "${line}" offset)
  string(SUBSTRING "${content}" 0 ${offset} before)
  string(REGEX REPLACE "[^\n]" "" newlines "${before}")
  string(LENGTH "${newlines}" number)
  math(EXPR number "${number} + 1")
  string(STRIP "${line}" line)
  message(NOTICE "${file}:${number}: ${line}: ${why}")
  set_property(GLOBAL APPEND PROPERTY copas_violations ${file}:${number})
endfunction()

# copas_check_include(<file> <layer> <line>): reports an #include that no arrow or reservation permits.
function(copas_check_include file layer line)
  if(line MATCHES "include[ \t]*(<copas/|\"(copas/|\\.\\./)*)([^/>\".]+)/" AND CMAKE_MATCH_3 IN_LIST copas_layers)
    copas_reach(allowed ${layer})
    if(NOT CMAKE_MATCH_3 IN_LIST allowed)
      copas_report(${file} "${line}" "no arrow leads from ${layer} to ${CMAKE_MATCH_3}")
    endif()
  endif()

  string(REGEX REPLACE ".*include[ \t]*[<\"]([^>\"]+).*" "\\1" header "${line}")
  foreach(name IN LISTS copas_reservations)
    if(header MATCHES "${copas_${name}_headers}" AND NOT file MATCHES "${copas_${name}_files}")
      copas_report(${file} "${line}" "${copas_${name}_why}")
    endif()
  endforeach()
endfunction()

function(copas_check_file file)
  string(REGEX REPLACE "^(src|include/copas)/([^/]+)/.*" "\\2" layer "${file}")
  if(NOT layer IN_LIST copas_layers)
    copas_report(${file} "" "this folder is not in the architecture (cmake/layers.cmake)")
    return()
  endif()

  file(STRINGS ${root}/${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"]")
  foreach(line IN LISTS lines)
    copas_check_include(${file} ${layer} "${line}")
  endforeach()

  if(NOT file MATCHES "^src/io/reactors/")
    file(STRINGS ${root}/${file} lines REGEX "^[ \t]*#[ \t]*(el)?if.*(__linux__|__APPLE__|__FreeBSD__|_WIN32|COPAS_HAS_)")
    foreach(line IN LISTS lines)
      copas_report(${file} "${line}" "${copas_os_why}")
    endforeach()
  endif()
endfunction()

# copas_check_links(): fails if the target of a folder links one that no arrow leads to.
function(copas_check_links)
  set(targets ${copas_layers} ${COPAS_LUA_VERSIONS})
  list(TRANSFORM targets PREPEND lua_ REGEX "^[0-9]")
  foreach(name IN LISTS targets)
    if(NOT TARGET copas_${name})
      continue()
    endif()
    string(REGEX REPLACE "_.*" "" layer ${name})
    copas_reach(allowed ${layer})
    get_target_property(links copas_${name} LINK_LIBRARIES)
    foreach(link IN LISTS links)
      string(REGEX REPLACE "^copas::([a-z]+)(_[0-9.]+)?$" "\\1" below "${link}")
      if(below IN_LIST copas_layers AND NOT below IN_LIST allowed)
        message(SEND_ERROR "copas_${name} links ${link}, but no arrow leads from ${layer} to ${below}")
      endif()
    endforeach()
  endforeach()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)
  file(GLOB_RECURSE files RELATIVE ${root}
    ${root}/src/*.cpp ${root}/src/*.hpp ${root}/include/copas/*.cpp ${root}/include/copas/*.hpp)
  list(REMOVE_ITEM files include/copas/copas.hpp include/copas/lua.hpp)  # above the folders: they include whole ones
  foreach(file IN LISTS files)
    copas_check_file(${file})
  endforeach()
  get_property(violations GLOBAL PROPERTY copas_violations)
  if(violations)
    list(LENGTH violations count)
    message(FATAL_ERROR "${count} forbidden line(s)")
  endif()
else()
  cmake_language(DEFER CALL copas_check_links)
  enable_testing()
  add_test(NAME layers COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_LIST_FILE})
  set_tests_properties(layers PROPERTIES LABELS layers TIMEOUT 60)
endif()
