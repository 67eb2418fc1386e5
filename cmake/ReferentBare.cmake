# SPDX-License-Identifier: Apache-2.0
# What a machine without Debian's packages builds from: headers, GoogleTest's sources and libutf8proc.a
# as scripts/gpu_bundle.sh gathers them under .deps/gpu. Defines the targets that the packages would.
set(bundle ${REFERENT_DEPS_DIR}/gpu)
if(NOT EXISTS ${bundle}/include)
  message(FATAL_ERROR "no ${bundle}: run scripts/gpu_bundle.sh where Referent is set up, and copy it here")
endif()
foreach(target fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json CLI11::CLI11 PkgConfig::xxhash
               PkgConfig::utf8proc ZLIB::ZLIB)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${bundle}/include)
endforeach()
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
target_compile_definitions(spdlog::spdlog INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
target_compile_definitions(PkgConfig::xxhash INTERFACE XXH_INLINE_ALL)
target_link_libraries(PkgConfig::utf8proc INTERFACE ${bundle}/lib/libutf8proc.a)
# Every system has zlib's library, only some its header.
find_library(REFERENT_BARE_ZLIB NAMES z libz.so.1 REQUIRED)
target_link_libraries(ZLIB::ZLIB INTERFACE ${REFERENT_BARE_ZLIB})

if(REFERENT_BUILD_TESTS)
  foreach(part gtest gmock)
    add_library(referent_bare_${part} STATIC ${bundle}/googletest/${part}/src/${part}-all.cc)
    target_include_directories(referent_bare_${part} SYSTEM
      PUBLIC ${bundle}/googletest/gtest/include ${bundle}/googletest/gmock/include
      PRIVATE ${bundle}/googletest/gtest ${bundle}/googletest/gmock)
    target_link_libraries(referent_bare_${part} PUBLIC Threads::Threads)
    add_library(GTest::${part} ALIAS referent_bare_${part})
  endforeach()
  target_link_libraries(referent_bare_gmock PUBLIC referent_bare_gtest)
  add_library(referent_bare_gtest_main STATIC ${bundle}/googletest/gtest/src/gtest_main.cc)
  target_link_libraries(referent_bare_gtest_main PUBLIC referent_bare_gtest)
  add_library(GTest::gtest_main ALIAS referent_bare_gtest_main)
endif()
