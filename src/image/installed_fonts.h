// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent::image {

/// The first font file, by path, that has a letter: below `fonts` in $XDG_DATA_HOME, then in each
/// of $XDG_DATA_DIRS, or where the XDG base directories are when the variables are not set. Empty
/// where none has. Opens files until one has it; the answer is remembered. May be called by
/// several threads.
std::string installed_font_with(char32_t code);

}  // namespace referent::image
