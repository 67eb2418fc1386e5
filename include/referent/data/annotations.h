// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "referent/data/config.h"
#include "referent/data/dataset.h"
#include "referent/formats/segmentation.h"
#include "referent/image/image.h"

/// What the files of a data set say, right or wrong: open_dataset() refuses what is wrong, `data
/// check` counts it, `data convert` carries it into another format.
namespace referent::data {

/// A box as its file writes it, in pixels.
struct WrittenBox {
  std::array<double, 4> numbers{};
  bool corners = false;  ///< x1, y1, x2, y2; else x, y, width, height

  image::Box box() const;
};

/// What an expression refers to, as far as the format tells.
struct Referent {
  std::optional<std::int64_t> image_id;
  std::optional<std::int64_t> reference_id;
  std::optional<std::int64_t> category_id;
  /// What names the annotation: its number, or in ReferItGame's index files "9739_7". Empty: none.
  std::string object;
  std::string category;
  std::optional<double> area;  ///< pixels
  bool crowd = false;
  std::int64_t width = 0;  ///< of the picture as it is stated [pixels]; 0: not stated
  std::int64_t height = 0;
  std::int64_t same_class =
      0;  ///< annotations of its category in its picture, itself one; 0: unknown
  /// As it is written, unchecked. Null where there is none, or none was asked for.
  std::shared_ptr<const formats::Segmentation> mask;
};

/// One expression.
struct Entry {
  std::string where;  ///< continues the name of the file: ":3", ": entry 7"
  std::string id;
  bool has_id = false;  ///< the file gives the id; else it is the entry's place
  std::string image;    ///< name as the file gives it
  std::string split;
  std::string expression;
  std::string raw;  ///< the sentence before it was simplified, where that is another one
  std::optional<WrittenBox> box;
  std::shared_ptr<const Referent> referent;  ///< never null; shared by neighbours
  bool valid_utf8 = true;
  std::string fault;  ///< why the entry cannot be read; the other fields may be empty then
};

/// What tells a referent from all others of its data set: its image with its object's name, or its
/// box where it has none.
std::string referent_key(const Entry& entry);

struct Annotations {
  std::string name;              ///< as Dataset::name
  std::filesystem::path file;    ///< that Entry::where continues
  std::filesystem::path folder;  ///< where images are looked up unless the configuration says
  std::vector<Entry> entries;
  std::vector<std::string> images_listed_twice;  ///< in instances.json: names
  std::vector<std::string> objects_listed_twice;
  /// What the file has and an entry has no place for, by kind, with how often: "attributes".
  std::map<std::string, std::int64_t> passed_over;
};

/// Reads the entries of config.split, or of all splits where it is empty. Entries that cannot be
/// read are among them, with their fault. Throws DataError for files that cannot be read as a whole
/// or do not have the split, ConfigError for a path that leaves a choice.
Annotations read_annotations(const DatasetConfig& config, Masks masks);

}  // namespace referent::data
