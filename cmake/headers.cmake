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
    target_precompile_headers(beringia_test_headers PRIVATE ${BERINGIA_STANDARD_HEADERS}
                              <gtest/gtest.h>)
  endif()
endif()

# Lets `target` use the headers that `owner` precompiles.
function(beringia_reuse_headers target owner)
  if(BERINGIA_PCH)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
