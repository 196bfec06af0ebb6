# Warnings are errors in this project's own code, on both compilers, in every build that its tests are run from. A
# release build is a user's, whose compiler may be another one.
add_library(durability_warnings INTERFACE)
target_compile_options(
  durability_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wsign-conversion
            -Wshadow
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wcast-align
            -Wunused
            -Woverloaded-virtual
            -Wdouble-promotion
            -Wformat=2
            -Wimplicit-fallthrough
            $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wthread-safety>)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(durability_warnings INTERFACE -Werror)
endif()
