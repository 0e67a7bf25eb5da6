# beringia_messages(target file.proto...)
# A library of the classes that protoc makes of the files, below src/. They are nobody's to read:
# no warnings, and a system header where they are included.
function(beringia_messages target)
  set(out ${CMAKE_BINARY_DIR}/messages)
  file(MAKE_DIRECTORY ${out})
  set(sources)
  foreach(proto ${ARGN})
    string(REGEX REPLACE "\\.proto$" "" base ${proto})
    add_custom_command(
      OUTPUT ${out}/${base}.pb.cc ${out}/${base}.pb.h
      COMMAND ${PROTOC} --cpp_out=${out} -I${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/src/${proto}
      DEPENDS ${CMAKE_SOURCE_DIR}/src/${proto}
      VERBATIM)
    list(APPEND sources ${out}/${base}.pb.cc)
  endforeach()
  add_library(${target} STATIC ${sources})
  target_compile_options(${target} PRIVATE -w)
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC ${PROTOBUF_LIBRARY} Threads::Threads)
endfunction()
