# Finds the C++ Actor Framework 0.17.x, for which distributions ship neither
# CMake package files nor pkg-config files.
#
#   find_package(CAF 0.17.6 REQUIRED COMPONENTS core)
#
# Components: core, io (needs core), openssl (needs io).
# Defines the targets CAF::<component> and the variable CAF_VERSION.

include(FindPackageHandleStandardArgs)
find_package(Threads REQUIRED)

find_path(CAF_INCLUDE_DIR NAMES caf/config.hpp HINTS ${CAF_ROOT} PATH_SUFFIXES include)
mark_as_advanced(CAF_INCLUDE_DIR)

# 0.17.6 states its version as one number: major * 10000 + minor * 100 + patch.
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_line REGEX "^#define CAF_VERSION [0-9]+")
  if(_caf_line MATCHES "CAF_VERSION ([0-9]+)")
    math(EXPR _caf_major "${CMAKE_MATCH_1} / 10000")
    math(EXPR _caf_minor "(${CMAKE_MATCH_1} / 100) % 100")
    math(EXPR _caf_patch "${CMAKE_MATCH_1} % 100")
    set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
  endif()
endif()

set(_caf_core_header caf/actor_system.hpp)
set(_caf_core_needs Threads::Threads)
set(_caf_io_header caf/io/middleman.hpp)
set(_caf_io_needs CAF::core)
set(_caf_openssl_header caf/openssl/manager.hpp)
set(_caf_openssl_needs CAF::io)

foreach(_caf_part IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${_caf_part}_LIBRARY NAMES caf_${_caf_part} HINTS ${CAF_ROOT} PATH_SUFFIXES lib)
  mark_as_advanced(CAF_${_caf_part}_LIBRARY)
  if(CAF_${_caf_part}_LIBRARY AND EXISTS "${CAF_INCLUDE_DIR}/${_caf_${_caf_part}_header}")
    set(CAF_${_caf_part}_FOUND TRUE)
  endif()
endforeach()

find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS)

if(CAF_FOUND)
  foreach(_caf_part IN LISTS CAF_FIND_COMPONENTS)
    if(CAF_${_caf_part}_FOUND AND NOT TARGET CAF::${_caf_part})
      add_library(CAF::${_caf_part} UNKNOWN IMPORTED)
      set_target_properties(CAF::${_caf_part} PROPERTIES
        IMPORTED_LOCATION "${CAF_${_caf_part}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${_caf_${_caf_part}_needs}")
    endif()
  endforeach()
endif()
