// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace referent::text {

/// Offset of the first byte that does not belong to a well-formed UTF-8 sequence (overlong forms,
/// surrogates and code points above U+10FFFF are not well formed); nothing when all do.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Throws DataError naming `what` and the byte offset when `text` is not well-formed UTF-8.
void check_utf8(std::string_view text, std::string_view what);

/// Lower case as Python's str.lower() defines it: full mappings and the final sigma. Throws
/// DataError when `text` is not UTF-8.
std::string to_lower(std::string_view text);

}  // namespace referent::text
