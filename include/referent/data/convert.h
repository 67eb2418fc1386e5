// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "referent/data/annotations.h"
#include "referent/data/config.h"

namespace referent::data {

/// A file of a conversion.
struct ConvertedFile {
  std::filesystem::path path;
  std::int64_t expressions = 0;
};

struct Conversion {
  std::vector<ConvertedFile> files;
  /// What the source has and the target has no place for, by kind, with how often.
  std::map<std::string, std::int64_t> lost;
};

/// Writes annotations in another format.
///
/// - jsonl: one file; every field has a key.
/// - refer: a new folder `FOLDER@BY`, e.g. `out/refcoco@unc`, of refs(BY).p and instances.json.
///   Neighbouring expressions of one object make a reference; numbers that the source lacks are
///   made up, and the words of picture files that are "COCO_train2014_<number>.jpg" give theirs.
/// - index: `<family>_<split>.pth`, or a folder named after a family with a file for each split.
/// - seqtr: one file, whose objects also have "file_name", "ann_id", "category_id" and "category",
///   which SeqTR passes over.
///
/// Each file, and the folder of refer as a whole, appears complete or not at all. Entries that
/// cannot be read or have no finite box are left out and counted. Throws ConfigError where `out`
/// does not suit the format, FileError where it cannot be written.
Conversion convert(const Annotations& annotations, DatasetFormat format,
                   const std::filesystem::path& out);

/// Reads the sizes of pictures that the annotations do not state from the files under `folder`,
/// where they are there and can be read; returns how many entries stay without.
std::int64_t fill_sizes(Annotations& annotations, const std::filesystem::path& folder);

}  // namespace referent::data
