// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "referent/data/convert.h"

namespace referent::data {

using Entries = std::vector<const Entry*>;

/// The split's name in formats that need one.
inline std::string split_name(const Entry& entry) {
  return entry.split.empty() ? "all" : entry.split;
}

/// Whether two neighbours are expressions of one object. Both have a box.
bool same_object(const Entry& a, const Entry& b);

/// x, y, width, height. `rounded` is counted up when the other form cannot be had back exactly.
std::array<double, 4> corner_and_size(const WrittenBox& box, std::int64_t& rounded);
/// x1, y1, x2, y2 likewise.
std::array<double, 4> two_corners(const WrittenBox& box, std::int64_t& rounded);

/// The number in COCO's names of images, else the name that is a number.
std::optional<std::int64_t> image_number(const std::string& name);

/// A whole number that is all of `text`.
std::optional<std::int64_t> whole_number(const std::string& text);

void write_refer(const Entries& entries, const std::filesystem::path& out, Conversion& into);

}  // namespace referent::data
