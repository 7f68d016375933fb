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
