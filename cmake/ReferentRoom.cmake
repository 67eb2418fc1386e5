# SPDX-License-Identifier: Apache-2.0
# referent_add_room(<room> [TORCH] SOURCES <file>... [LIBRARIES <target>...])
#
# One OBJECT library `referent_<room>` per folder of src/ (src/README.md lists the rooms in
# dependency order). TORCH compiles the room with LibTorch and its precompiled header.
function(referent_add_room room)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(referent_${room} OBJECT ${ARG_SOURCES})
  target_include_directories(referent_${room} PUBLIC ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(referent_${room} PRIVATE referent_warnings PUBLIC fmt::fmt ${ARG_LIBRARIES})
  if(ARG_TORCH)
    target_link_libraries(referent_${room} PUBLIC torch_wheel::torch)
    if(TARGET referent_torch_pch)
      target_precompile_headers(referent_${room} REUSE_FROM referent_torch_pch)
    endif()
  endif()
endfunction()
