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
  bool has_attributes = false;  ///< the fifth field says something; it is passed over
};

/// One place of the list: an entry, or why it is none.
struct IndexRow {
  IndexEntry entry;
  std::string fault;    ///< empty: `entry` was read
  bool has_box = true;  ///< false where the box is None; `entry.box` means nothing then
};

/// Reads `<family>_<split>.pth`: a list of (image, mask file, box, expression, attributes), of
/// which the attributes are passed over, or of (image, box, expression). Throws DataError, naming
/// the file and the entry.
std::vector<IndexEntry> read_index(const Path& path);

/// The same, with entries that cannot be read among the others. Throws DataError for a file that is
/// no list.
std::vector<IndexRow> read_index_rows(const Path& path);

/// Writes entries as read_index() reads them, in torch.save's zip form, whole or not at all.
/// Entries of Flickr30k have three fields, others five: no mask file is an empty name, and
/// attributes are an empty list. Throws FileError.
void write_index(const Path& path, const std::vector<IndexEntry>& entries, bool flickr);

}  // namespace referent::formats
