# The headers that nearly every file includes, of the standard library and of ours, take longer to read than the rest of
# most files takes to compile. They are compiled once for each tree, for tests with those of GoogleTest, and every target
# that links copas::options starts from them. Files include what they use all the same: the preset `tidy` compiles without.
#
# A compiler launcher, ccache for one, remembers more without them.
set(default ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(default OFF)
endif()
option(COPAS_PRECOMPILED_HEADERS "Compile the headers that most files include once for each tree" ${default})

# copas_precompile(<target> <library> <header>...): makes the target that others share the headers of, which are those of the
# standard library, our own, and <header>... of <library>.
function(copas_precompile target library)
  add_library(${target} OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${target} PRIVATE copas::options ${library})
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <atomic> <chrono> <coroutine> <cstdint> <cstring> <exception> <expected> <functional> <memory>
    <mutex> <optional> <source_location> <span> <stdexcept> <string> <string_view> <system_error> <utility> <vector>
    <copas/core/scope.hpp> <copas/core/sleep.hpp> <copas/io/stream.hpp> <copas/net/tcp.hpp> ${ARGN})
endfunction()

# copas_share_precompiled(<folder>): lets the targets of the folder, and of those below, start from compiled headers.
function(copas_share_precompiled folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(links ${target} LINK_LIBRARIES)
    get_target_property(disabled ${target} DISABLE_PRECOMPILE_HEADERS)
    if(disabled OR target MATCHES "^copas_precompiled" OR NOT "copas::options" IN_LIST links)
      continue()
    endif()
    if("copas::quick" IN_LIST links)
      target_precompile_headers(${target} REUSE_FROM copas_precompiled_for_tests)
    else()
      target_precompile_headers(${target} REUSE_FROM copas_precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    copas_share_precompiled(${below})
  endforeach()
endfunction()

if(COPAS_PRECOMPILED_HEADERS)
  target_compile_options(copas_options INTERFACE -fPIC)  # in executables, too: compiled headers serve one kind of code
  copas_precompile(copas_precompiled Threads::Threads)
  if(COPAS_TESTS)
    find_package(GTest REQUIRED)
    copas_precompile(copas_precompiled_for_tests GTest::gmock <gmock/gmock.h>)
    target_link_libraries(copas_precompiled_for_tests PRIVATE copas::quick)
  endif()
  cmake_language(DEFER CALL copas_share_precompiled ${PROJECT_SOURCE_DIR})
endif()
