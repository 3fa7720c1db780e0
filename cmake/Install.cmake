# The public headers, the library, the command line and the package that find_package(theus) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/theus)
set_target_properties(theus_headers PROPERTIES EXPORT_NAME headers)
set_target_properties(theus_cli PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

install(TARGETS theus theus_headers EXPORT theusTargets)
install(TARGETS theus_cli)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/theus TYPE INCLUDE)
install(EXPORT theusTargets NAMESPACE theus:: DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/theusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/theusConfig.cmake ${PROJECT_BINARY_DIR}/theusConfigVersion.cmake
  DESTINATION ${package_directory})
