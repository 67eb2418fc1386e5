// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace referent {

/// Bytes as text: base64 of RFC 4648 with padding, in one line.
std::string to_base64(std::string_view bytes);

/// The bytes again; nothing when `text` is not what to_base64() writes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace referent
