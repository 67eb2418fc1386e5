// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace referent::config {

inline constexpr std::size_t kLargestJson = std::size_t{1} << 20;  ///< bytes
inline constexpr std::size_t kDeepestJson = 64;                    ///< nested objects and arrays

/// Parses `text` strictly: JSON alone (no comments, no byte order mark, UTF-8), no duplicate key,
/// not larger than kLargestJson, not deeper than kDeepestJson. Throws ConfigError with `name`,
/// line and column, and the JSON pointer of the place.
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// `pointer` extended by an object key (escaped as RFC 6901 asks) or an array index.
std::string child_pointer(const std::string& pointer, std::string_view key);
std::string child_pointer(const std::string& pointer, std::size_t index);

/// `value` on one line for a message, shortened in the middle when it is long.
std::string excerpt(const nlohmann::json& value);
std::string excerpt(std::string_view text);

bool is_utf8(const std::string& text);

}  // namespace referent::config
