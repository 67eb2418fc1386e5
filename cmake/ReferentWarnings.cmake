# SPDX-License-Identifier: Apache-2.0
# referent_warnings: the warnings (as errors) and sanitizers of our own targets.
add_library(referent_warnings INTERFACE)
target_compile_options(referent_warnings INTERFACE -Wall -Wextra -Wshadow -Wno-restrict -Wnon-virtual-dtor
                       -Woverloaded-virtual -Werror)
if(REFERENT_SANITIZE)
  add_compile_options(-fsanitize=${REFERENT_SANITIZE} -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${REFERENT_SANITIZE})
endif()
