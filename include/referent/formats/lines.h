// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace referent::formats {

/// Calls visit(number, line) for every line of `text` that is more than space, without its end.
/// Numbers count all lines from 1, as editors do.
template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) visit(number, line);
  }
}

}  // namespace referent::formats
