# SPDX-License-Identifier: Apache-2.0
# Writes version.inc at every build, so that the git revision is the one that was compiled.
set(REFERENT_VERSION_INC ${CMAKE_BINARY_DIR}/generated/referent_version.inc)
add_custom_target(referent_version_inc
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${REFERENT_VERSION_INC}
          -DVERSION=${PROJECT_VERSION} -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${REFERENT_VERSION_INC}
  VERBATIM)
