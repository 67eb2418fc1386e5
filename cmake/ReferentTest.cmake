# SPDX-License-Identifier: Apache-2.0
# referent_add_test(<name> LABEL unit|parity|e2e|slow|gpu [TORCH] SOURCES <file>...)
#
# One executable with one label: gtest_discover_tests keeps only the first of several.
include(GoogleTest)
function(referent_add_test name)
  cmake_parse_arguments(ARG "TORCH" "LABEL" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE
    REFERENT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" REFERENT_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE referent_warnings GTest::gtest GTest::gmock ${ARG_LIBRARIES})
  # They are compiled more often than they run for long.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(ARG_TORCH)
    target_link_libraries(${name} PRIVATE referent)
    target_precompile_headers(${name} REUSE_FROM referent_torch_pch)
    # The header is compiled as for a library; -fPIE would not match it.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  else()
    target_link_libraries(${name} PRIVATE referent_base)
  endif()
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  # Tests run beside one another; a LibTorch with a thread a core would slow its neighbour tenfold.
  set(properties LABELS ${ARG_LABEL})
  if(ARG_LABEL STREQUAL "unit")
    list(APPEND properties ENVIRONMENT OMP_NUM_THREADS=1)
  else()
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES ${properties} TIMEOUT 0
                       WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()
