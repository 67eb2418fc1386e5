// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "referent/core/file.h"

namespace referent::engine {

/// Hands `bytes` to the system at the end of the file, which is created where it is not there.
/// Throws FileError.
void append(const Path& path, std::string_view bytes);

}  // namespace referent::engine
