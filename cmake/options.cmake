# copas::options: how our own code is compiled. Every target of ours links it PRIVATE; no user ever sees it.

option(COPAS_WERROR "Treat warnings as errors" OFF)
set(COPAS_SANITIZE "" CACHE STRING "Sanitizers for all of our code: address;undefined or thread; fuzzers add fuzzer-no-link")

add_library(copas_options INTERFACE)
add_library(copas::options ALIAS copas_options)
target_compile_features(copas_options INTERFACE cxx_std_23)
set_target_properties(copas_options PROPERTIES INTERFACE_POSITION_INDEPENDENT_CODE ON)

# Memory goes through free lists of our own, but sanitizers shall see each allocation by itself.
target_compile_definitions(copas_options INTERFACE COPAS_HAS_MEMORY_POOLS=$<NOT:$<BOOL:${COPAS_SANITIZE}>>)

# All objects can go into a shared library; this keeps its calls into itself as cheap as in an executable.
target_compile_options(copas_options INTERFACE -fno-semantic-interposition)

# g++ looks for garbage of its own in a tenth of its time, from a size on that most of our files reach.
target_compile_options(copas_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=500000>)

target_compile_options(copas_options INTERFACE
  -Wall -Wextra -Wpedantic
  -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion -Wold-style-cast -Wcast-align -Wformat=2
  -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough -Wundef
  $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wsuggest-override>
  $<$<CXX_COMPILER_ID:Clang>:-Wsuggest-override -Wshadow-uncaptured-local -Wunreachable-code>
  $<$<BOOL:${COPAS_WERROR}>:-Werror>)

# copas::lto: for what ends up in the libraries, the modules and the runtime. The objects hold machine code too; targets
# that shall be optimised as a whole link `-flto` (copas_optimise_whole).
option(COPAS_LTO "Optimise across files when linking (g++, release builds)" ON)
option(COPAS_LTO_ARCHIVES "Let programs be optimised together with our static libraries (by the same g++)" OFF)
add_library(copas_lto INTERFACE)
add_library(copas::lto ALIAS copas_lto)
if(COPAS_LTO AND NOT COPAS_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(copas_lto_enabled ON)
  target_compile_options(copas_lto INTERFACE -flto=auto -ffat-lto-objects)
endif()

# copas_optimise_whole(<target>): optimises the whole of an executable or module when it is linked.
function(copas_optimise_whole target)
  if(copas_lto_enabled)
    target_link_options(${target} PRIVATE -flto=auto -O2)
  endif()
endfunction()

# copas_keep_machine_code(<target>): drops what only this very compiler can read from a static library for users. Their
# linker would compile all of it again for each program, though nobody asked it to, and another g++ refuses it. Who asks
# sets COPAS_LTO_ARCHIVES.
function(copas_keep_machine_code target)
  if(copas_lto_enabled AND NOT COPAS_LTO_ARCHIVES)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_OBJCOPY} --wildcard --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_*
              --strip-symbol=__gnu_lto_* $<TARGET_FILE:${target}>)
  endif()
endfunction()

# copas_link_fast(<target>): leaves the whole unoptimised, for tests and examples.
function(copas_link_fast target)
  if(copas_lto_enabled)
    target_link_options(${target} PRIVATE -fno-lto)
  endif()
endfunction()

# copas::quick: for tests, which take longer to compile than to run. Coroutines that resume each other need the calls at
# their ends to be jumps, or a stack as deep as there are turns; clang sees to that by itself.
add_library(copas_quick INTERFACE)
add_library(copas::quick ALIAS copas_quick)
target_compile_options(copas_quick INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Og;-foptimize-sibling-calls>
  $<$<CXX_COMPILER_ID:Clang>:-O0>)

# Executables of clang carry a static ASan by default. The shared one serves our Lua modules too, whose host is not ours.
set(copas_asan_runtime "")  # what such a host has to preload; empty when none is needed
if(COPAS_SANITIZE)
  string(REPLACE ";" "," sanitizers "${COPAS_SANITIZE}")
  target_compile_options(copas_options INTERFACE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  if("undefined" IN_LIST COPAS_SANITIZE)
    # This check opens a pipe to see whether an address is readable, and takes failure for a bad one: with no descriptor
    # free, as in the tests of just that, it accuses the innocent.
    target_compile_options(copas_options INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(copas_options INTERFACE -fsanitize=${sanitizers})
  if("address" IN_LIST COPAS_SANITIZE AND NOT COPAS_FUZZ)  # libFuzzer puts libstdc++ before it, which it does not stand
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      set(asan_library libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so)
      target_link_options(copas_options INTERFACE -shared-libasan)
    else()
      set(asan_library libasan.so)
    endif()
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${asan_library}
                    OUTPUT_VARIABLE copas_asan_runtime OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    cmake_path(GET copas_asan_runtime PARENT_PATH asan_folder)
    target_link_options(copas_options INTERFACE LINKER:-rpath,${asan_folder})
  endif()
endif()

# copas_static_runtime(<target> [LIBSTDCXX_ONLY]): links libstdc++ and libgcc statically, which saves most of the time that
# a small program takes to start.
#
# LIBSTDCXX_ONLY is for what LuaJIT may load: it raises errors through the unwinder of the shared libgcc, which aborts in
# frames whose handlers belong to a static copy (_Unwind_SetGR there reads a register table that nobody has filled in).
function(copas_static_runtime target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LIBSTDCXX_ONLY" "" "")
  if(COPAS_SANITIZE)
    return()  # sanitizers intercept functions of the shared libraries
  endif()
  target_link_options(${target} PRIVATE -static-libstdc++)
  if(NOT arg_LIBSTDCXX_ONLY)
    target_link_options(${target} PRIVATE -static-libgcc)
  endif()
endfunction()
