# Warnings and sanitizers for our own code; users of theus::theus inherit none of it.
add_library(theus_build_options INTERFACE)
target_compile_options(theus_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast)
# GCC 12 sees overlapping copies in std::string where there are none (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(theus_build_options INTERFACE -Wno-restrict)
endif()
# Names in messages and debug information start at the root of the project, wherever it lies.
target_compile_options(theus_build_options INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
# Nobody replaces our functions at load time, so within the library they may be inlined like any others.
target_compile_options(theus_build_options INTERFACE -fno-semantic-interposition)
if(THEUS_WERROR)
  target_compile_options(theus_build_options INTERFACE -Werror)
endif()

# CAF's init_fun_factory and shared_ptr_base bind references to null on purpose: -fno-sanitize=null.
if(THEUS_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(THEUS_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
