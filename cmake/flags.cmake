# Warnings are errors for our code; third-party headers are system headers.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
                    -fno-omit-frame-pointer -msse4.2 -mpclmul
                   )
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these inside std::string and std::optional at -O2.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-dangling-pointer -Wno-missing-field-initializers)
else()
  add_compile_options(-Wno-missing-field-initializers -Wno-gnu-zero-variadic-macro-arguments
                      -Wno-missing-designated-field-initializers -Wno-unknown-warning-option)
endif()
# fmt's compiled library would be one more shared object to ship: header-only instead.
add_compile_definitions(FMT_HEADER_ONLY=1)

# Tests of a release: what is tested is optimized, the tests are not. They are built in a third of
# the time.
set(BERINGIA_TEST_OPTIONS "")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(BERINGIA_TEST_OPTIONS -O0)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What GoogleTest's macros expand to; clang tells these faults in our own lines from them.
  list(APPEND BERINGIA_TEST_OPTIONS -Wno-dangling-else -Wno-shadow -Wno-range-loop-construct)
endif()

if(BERINGIA_SANITIZE)
  add_compile_options(-fsanitize=${BERINGIA_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BERINGIA_SANITIZE})
endif()

if(BERINGIA_FUZZ)
  # Without it a fuzzer does not see which paths an input took.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
elseif(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # Objects that use a precompiled header are cached too, and are shared by build directories.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
      CCACHE_PCH_EXTSUM=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
