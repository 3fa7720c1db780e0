# The library is self-contained: what it is built from does not show in its headers.
include("${CMAKE_CURRENT_LIST_DIR}/theusTargets.cmake")
