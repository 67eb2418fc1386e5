# SPDX-License-Identifier: Apache-2.0
# Called by referent_version_inc with SOURCE_DIR, OUTPUT, VERSION, BUILD_TYPE and COMPILER.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
                RESULT_VARIABLE failed)
if(failed)
  set(revision "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT}
     CONTENT "constexpr const char* kVersion = \"@VERSION@\";
constexpr const char* kGitRevision = \"@revision@\";
constexpr const char* kBuildType = \"@BUILD_TYPE@\";
constexpr const char* kCompiler = \"@COMPILER@\";
" @ONLY)
