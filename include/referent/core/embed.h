// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// Makes the file at FILE (a string literal) bytes of this library and defines
/// `std::string_view NAME()` that shows them. An array literal of the size of a vocabulary would
/// take the compiler longer than all code around it. At namespace scope of one source file.
#define REFERENT_EMBED(NAME, FILE)                                             \
  asm(".pushsection .rodata\n"                                                 \
      ".global referent_embedded_" #NAME                                       \
      "_begin\n"                                                               \
      ".global referent_embedded_" #NAME                                       \
      "_end\n"                                                                 \
      "referent_embedded_" #NAME                                               \
      "_begin:\n"                                                              \
      ".incbin \"" FILE                                                        \
      "\"\n"                                                                   \
      "referent_embedded_" #NAME                                               \
      "_end:\n"                                                                \
      ".byte 0\n"                                                              \
      ".popsection\n");                                                        \
  extern "C" const char referent_embedded_##NAME##_begin[];                    \
  extern "C" const char referent_embedded_##NAME##_end[];                      \
  static std::string_view NAME() {                                             \
    return {referent_embedded_##NAME##_begin, referent_embedded_##NAME##_end}; \
  }
