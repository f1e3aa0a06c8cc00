# One room of the house is one library; adding a file, a room or a test is one line.
find_program(NICOL_CCACHE ccache)
if(NICOL_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${NICOL_CCACHE}")
endif()
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

add_library(nicol_flags INTERFACE)
target_include_directories(nicol_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(nicol_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  $<$<BOOL:${NICOL_WERROR}>:-Werror>
  -fstack-protector-strong -fPIE
  $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>)
target_compile_definitions(nicol_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(nicol_flags INTERFACE -pie -Wl,-z,relro,-z,now)
if(NOT NICOL_SANITIZE)
  target_compile_options(nicol_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
if(NICOL_SANITIZE)
  target_compile_options(nicol_flags INTERFACE -fsanitize=${NICOL_SANITIZE} -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-fno-sanitize-recover=all>
    # g++ says this of code that is right where sanitizers instrument it; without them it stays an error.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(nicol_flags INTERFACE -fsanitize=${NICOL_SANITIZE})
endif()
target_link_libraries(nicol_flags INTERFACE Threads::Threads fmt::fmt)

# nicol_room(name SOURCES a.cpp … DEPENDS nicol_hal …)
function(nicol_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(nicol_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(nicol_${name} PUBLIC nicol_flags ${ROOM_DEPENDS} PRIVATE ${ROOM_PRIVATE_DEPENDS})
endfunction()

# nicol_test(name SOURCES a.cpp … DEPENDS nicol_secret … [LABELS long] [TIMEOUT seconds])
function(nicol_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE nicol_flags ${T_DEPENDS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    NICOL_SOURCE_DIR="${CMAKE_SOURCE_DIR}" NICOL_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared" NICOL_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()

# The cases called Long run under the label `long`, in a test of their own.
function(nicol_long_cases test)
  set_tests_properties(${test} PROPERTIES ENVIRONMENT "GTEST_FILTER=-*Long*")
  add_test(NAME ${test}_long COMMAND ${test} --gtest_filter=*Long*)
  set_tests_properties(${test}_long PROPERTIES LABELS long TIMEOUT 300)
endfunction()
