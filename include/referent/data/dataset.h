// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "referent/data/config.h"
#include "referent/data/example.h"

namespace referent::data {

/// The examples of one split, in the order of its file.
struct Dataset {
  /// jsonl: the file's stem; refer: "refcoco@unc"; index: "unc"; seqtr: the folder, "refcoco-unc".
  std::string name;
  std::string split;  ///< empty where the data set has none
  std::vector<Example> examples;
  std::int64_t missing = 0;  ///< examples left out because their image is not there
  /// Examples without an annotated mask; all of them where masks were not asked for.
  std::int64_t without_mask = 0;
};

/// Whether to keep the outlines that a data set gives.
enum class Masks { kIgnore, kRead };

/// Reads the annotations and looks every image up; no image is opened. An example's id is the data
/// set's, else the number of its line or entry from 0.
///
/// - jsonl: one object a line, `{"image", "expression", "box" or "box_xywh": [x, y, w, h], "mask"?,
///   "id"?, "split"?}`; other keys are ignored. A mask is polygons or run lengths as in COCO.
/// - refer: a folder of the REFER interface; every sentence of every reference of the split, with
///   its annotation's box and segmentation.
/// - index: a file of TransVG's and MMCA's data. Boxes are x, y, w, h for unc, unc+, gref and
///   gref_umd and x1, y1, x2, y2 for referit and flickr; the family is the file's name without
///   _<split>, else its folder's. They hold no masks.
/// - seqtr: SeqTR's instances.json, `{split: [{"image_id", "bbox": [x, y, w, h], "expressions",
///   "mask"?, "file_name"?}]}`; the number of an image names COCO's file, in folders whose name
///   begins with referit or flickr "<number>.jpg".
///
/// Outlines are kept as they are written and become masks in a transform, which knows the picture.
///
/// Throws ConfigError for a format without the split that it needs, DataError for annotations that
/// cannot be read (naming file and line), an empty expression, one that is not UTF-8, an impossible
/// box, a split without examples, for missing images unless they are to be skipped, and with
/// Masks::kRead for an outline that can be no mask: a polygon with fewer than three corners, run
/// lengths that do not fill their size.
Dataset open_dataset(const DatasetConfig& config, Masks masks = Masks::kIgnore);

/// The expressions of one split, in the order of its file. Images are not looked for. Throws as
/// open_dataset() does.
std::vector<std::string> read_expressions(const DatasetConfig& config);

/// A data set of the command line, FORMAT:PATH[:SPLIT], e.g. "refer:data/refcoco@unc:val". A path
/// may hold colons if it exists or is followed by a split. Throws ConfigError.
DatasetConfig parse_dataset_argument(std::string_view argument);

}  // namespace referent::data
