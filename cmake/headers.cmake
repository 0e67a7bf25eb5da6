# Precompiled headers: the standard library once for all rooms, with GoogleTest once for all tests.
# They take two thirds of the time of a translation unit. BERINGIA_PCH=OFF shows missing includes.
option(BERINGIA_PCH "Precompile the headers of the standard library and GoogleTest" ON)

set(BERINGIA_STANDARD_HEADERS <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable>
    <cstdint> <cstdlib> <cstring> <deque> <expected> <filesystem> <functional> <limits> <map>
    <memory> <mutex> <optional> <set> <shared_mutex> <span> <string> <string_view> <thread>
    <unordered_map> <utility> <variant> <vector>)

if(BERINGIA_PCH)
  set(empty ${CMAKE_BINARY_DIR}/headers.cc)
  if(NOT EXISTS ${empty})
    file(WRITE ${empty} "")
  endif()
  add_library(beringia_headers OBJECT ${empty})
  target_precompile_headers(beringia_headers PRIVATE ${BERINGIA_STANDARD_HEADERS})
  if(BERINGIA_TESTS)
    add_library(beringia_test_headers OBJECT ${empty})
    target_link_libraries(beringia_test_headers PRIVATE GTest::gtest)
    target_compile_options(beringia_test_headers PRIVATE ${BERINGIA_TEST_OPTIONS})
    target_precompile_headers(beringia_test_headers PRIVATE ${BERINGIA_STANDARD_HEADERS}
                              <gtest/gtest.h>)
  endif()
  # ccache compares these sums instead of the precompiled files, which differ from one build
  # directory to the next; without the second -include the command lines are equal too.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.so
                  OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(TIMESTAMP ${library} library_time)
  string(SHA256 sum "${BERINGIA_STANDARD_HEADERS} ${library} ${library_time}")
  foreach(owner beringia_headers beringia_test_headers)
    foreach(extension pch gch)
      file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/${owner}.dir/cmake_pch.hxx.${extension}.sum
           "${owner} ${sum}")
    endforeach()
  endforeach()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
  endif()
endif()

# Lets `target` use the headers that `owner` precompiles.
function(beringia_reuse_headers target owner)
  if(BERINGIA_PCH)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
