// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "referent/core/file.h"
#include "referent/formats/segmentation.h"

namespace referent::formats {

/// One expression of a referred object.
struct Sentence {
  std::int64_t sent_id = 0;
  std::string raw;   ///< as it was written
  std::string sent;  ///< lower-cased, without punctuation
};

/// One referred object of RefCOCO, RefCOCO+, RefCOCOg or RefClef.
struct Reference {
  std::int64_t ref_id = 0;
  std::int64_t ann_id = 0;
  std::int64_t category_id = 0;
  std::int64_t image_id = 0;
  std::string file_name;  ///< of the picture, or the picture and the annotation's number
  std::string split;      ///< "train", "val", "test", "testA", "testB"
  std::vector<Sentence> sentences;
};

struct Annotation {
  std::int64_t id = 0;
  std::int64_t image_id = 0;
  std::int64_t category_id = 0;
  /// x, y, width, height in pixels; none where the file has null or leaves it out.
  std::optional<std::array<double, 4>> bbox;
  double area = 0.0;  ///< pixels
  bool iscrowd = false;
  Segmentation segmentation;  ///< as it is written, where it is read: see check_segmentation()
};

struct ImageInfo {
  std::int64_t id = 0;
  std::string file_name;
  std::int64_t width = 0;  ///< pixels
  std::int64_t height = 0;
};

struct Category {
  std::int64_t id = 0;
  std::string name;
};

/// A file of COCO instances.
struct Instances {
  std::vector<ImageInfo> images;
  std::vector<Annotation> annotations;
  std::vector<Category> categories;
};

/// Reads `refs(<who>).p` of the REFER data sets, a pickle of any protocol. Throws DataError, naming
/// the file and the entry.
std::vector<Reference> read_references(const Path& path);

/// Whether to read the annotations' segmentations. Ignored ones stay empty and may be anything.
enum class Outlines { kIgnore, kRead };

/// Reads a COCO-style instances.json. Throws DataError, naming the file and the entry.
Instances read_instances(const Path& path, Outlines outlines);

/// Writes `refs(<who>).p` as the REFER interface has it, a pickle of protocol 2; tokens are the
/// words of `sent` between spaces. The file appears whole or not at all. Throws FileError.
void write_references(const Path& path, const std::vector<Reference>& references);

/// Writes an instances.json that read_instances() reads back, whole or not at all. Throws
/// FileError.
void write_instances(const Path& path, const Instances& instances);

}  // namespace referent::formats
