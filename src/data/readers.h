// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "referent/data/annotations.h"

/// One reader a format, behind read_annotations().
namespace referent::data {

Annotations read_jsonl(const DatasetConfig& config, Masks masks);
Annotations read_refer(const DatasetConfig& config, Masks masks);
Annotations read_index(const DatasetConfig& config);
Annotations read_seqtr(const DatasetConfig& config, Masks masks);

/// A kind of index file.
struct IndexFamily {
  std::string_view name;
  bool corners;  ///< boxes are x1, y1, x2, y2 instead of x, y, width, height
};

/// Of a file called <family>_<split>.pth, else by its folder's name; none when neither tells.
std::optional<IndexFamily> index_family(const std::filesystem::path& file);

/// The split of an index file of that family.
std::string index_split(const std::filesystem::path& file, const IndexFamily& family);

}  // namespace referent::data
