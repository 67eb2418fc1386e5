// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace referent::formats {

/// Objects and arrays may nest this deep in any JSON we read.
inline constexpr int kMaxJsonDepth = 64;

/// Throws DataError, which begins with `where`, unless `text` is one strict JSON value: valid
/// UTF-8, no comment, no duplicate key, nested at most kMaxJsonDepth deep.
void check_json(std::string_view text, const std::string& where);

}  // namespace referent::formats
