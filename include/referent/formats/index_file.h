// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "referent/core/file.h"

namespace referent::formats {

/// One entry of an index file of TransVG and MMCA.
struct IndexEntry {
  std::string image;  ///< base name of the picture
  /// "<annotation id>.pth" in the COCO families; none for Flickr30k.
  std::optional<std::string> mask_file;
  /// As the file has it: x, y, width, height for unc, unc+, gref and gref_umd; x1, y1, x2, y2 for
  /// referit and flickr. Pixels.
  std::array<double, 4> box{};
  std::string expression;
};

/// Reads `<family>_<split>.pth`: a list of (image, mask file, box, expression, attributes), of
/// which the attributes are passed over, or of (image, box, expression). Throws DataError, naming
/// the file and the entry.
std::vector<IndexEntry> read_index(const Path& path);

}  // namespace referent::formats
