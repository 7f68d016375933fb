# cmake --install: libraries, headers and CMake package for C++. src/lua and src/runtime install their own.
include(CMakePackageConfigHelpers)

install(TARGETS copas copas_shared EXPORT copas-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/copas DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/copas)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/copas-config.cmake.in copas-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(copas-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/copas-config.cmake ${PROJECT_BINARY_DIR}/copas-config-version.cmake
  DESTINATION ${package_folder})
install(EXPORT copas-targets NAMESPACE copas:: DESTINATION ${package_folder})

# copas_install_pc(<name> <description> <lines>...): the same for pkg-config, wherever the prefix will be.
function(copas_install_pc pc_name pc_description)
  list(JOIN ARGN "\n" pc_rest)
  file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/copas.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

copas_install_pc(copas "${PROJECT_DESCRIPTION}"
  "Requires.private: libssl libcrypto libcares zlib"
  "Libs: -L\${libdir} -lcopas -pthread"
  "Cflags: -I\${includedir} -pthread")
foreach(version IN LISTS COPAS_LUA_VERSIONS)
  copas_install_pc(copas-lua${version} "Copas for C++ programs that embed Lua ${version}, which they link themselves"
    "Requires: copas"
    "Libs: -L\${libdir} -lcopas-lua${version}")
endforeach()
