// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "referent/config/field.h"
#include "referent/data/config.h"
#include "referent/data/published.h"
#include "referent/text/tokenizer.h"

/// Looks for what harms training or falsifies an evaluation, and counts it by kind.
namespace referent::data {

enum class FindingKind {
  kCount,         ///< a split of a published data set has other numbers than the published ones
  kLeak,          ///< an image of an evaluation split is in a training split too
  kEntry,         ///< an entry that cannot be read
  kIdTwice,       ///< two expressions, or two annotations, of one id
  kExampleTwice,  ///< the same image, box and expression again
  kImageMissing,  ///< no file of that name
  kImageEmpty,    ///< a file of 0 bytes
  kImageTorn,     ///< begins as JPEG, PNG or WebP and cannot be decoded: cut, damaged, an animation
  kImageType,     ///< neither JPEG nor PNG nor WebP
  kImageSize,     ///< another size than the annotations state
  kSameBytes,     ///< equal bytes under several names
  kSameName,      ///< several files of one base name, or an image that is listed twice
  kImageTurned,   ///< a note: EXIF says that viewers turn it; boxes are in the stored pixels
  kBoxNone,       ///< no box
  kBoxNotFinite,  ///< NaN or infinite
  kBoxOverflow,   ///< a coordinate beyond 2^31
  kBoxInverted,   ///< x2 < x1 or y2 < y1
  kBoxNoArea,     ///< width or height 0
  kBoxNegative,   ///< begins left of or above the image
  kBoxOutside,    ///< ends more than a pixel beyond the image
  kMask,          ///< an outline that can be no mask
  kTextEmpty,     ///< an expression of no bytes
  kTextBlank,     ///< of spaces only
  kTextLong,      ///< of more tokens than the model takes: it is cut
  kTextControl,   ///< with a control character
  kTextUtf8,      ///< not UTF-8
};

/// One kind of finding in one split.
struct Finding {
  FindingKind kind = FindingKind::kCount;
  std::string dataset;
  std::string split;
  bool is_fault = true;  ///< else a note
  std::int64_t count = 0;
  std::vector<std::string> examples;  ///< place and value of the first few
};

/// The numbers of one split.
struct CheckedSplit {
  std::string dataset;
  std::string split;
  bool training = false;
  Counts counts;
  std::optional<Counts> published;
};

struct CheckReport {
  std::vector<CheckedSplit> splits;
  std::vector<Finding> findings;  ///< by data set, split and kind
  /// Data sets that could not be read, and why.
  std::vector<std::pair<std::string, std::string>> unreadable;
  std::int64_t pictures = 0;  ///< files that were decoded

  std::int64_t faults() const;  ///< sum of the counts of all faults
};

/// How far pictures are looked at.
enum class Pictures { kDecode, kFind, kIgnore };

struct CheckOptions {
  Pictures pictures = Pictures::kDecode;
  std::set<FindingKind> allowed;  ///< are notes
  std::int64_t examples = 3;      ///< kept of every finding
  std::int64_t workers = 1;       ///< threads that decode
  std::int64_t length = 512;      ///< most tokens of an expression, as TextConfig::length
  std::shared_ptr<const text::Tokenizer> tokenizer;
};

/// A data set to look at.
struct CheckedDataset {
  std::string name;  ///< for errors, as the user gave it
  DatasetConfig config;
  /// Absent: a split is for training when it, or without a split the file, has a word of its name
  /// that begins with "train".
  std::optional<bool> training;
};

/// Looks at every expression of every data set, at each picture once. In a split whose numbers are
/// the published ones, repeated and overlong expressions are notes: they were published so. Throws
/// ConfigError for a path that leaves a choice.
CheckReport check_datasets(std::span<const CheckedDataset> datasets, const CheckOptions& options);

/// The report as tables for people, and as one JSON document.
std::string report_table(const CheckReport& report);
std::string report_json(const CheckReport& report);

}  // namespace referent::data

template <>
struct referent::config::EnumNames<referent::data::Pictures> {
  static constexpr std::array kNames{std::pair{referent::data::Pictures::kDecode, "decode"},
                                     std::pair{referent::data::Pictures::kFind, "find"},
                                     std::pair{referent::data::Pictures::kIgnore, "ignore"}};
};
template <>
struct referent::config::EnumNames<referent::data::FindingKind> {
  using Kind = referent::data::FindingKind;
  static constexpr std::array kNames{std::pair{Kind::kCount, "count"},
                                     std::pair{Kind::kLeak, "leak"},
                                     std::pair{Kind::kEntry, "entry"},
                                     std::pair{Kind::kIdTwice, "id_twice"},
                                     std::pair{Kind::kExampleTwice, "example_twice"},
                                     std::pair{Kind::kImageMissing, "image_missing"},
                                     std::pair{Kind::kImageEmpty, "image_empty"},
                                     std::pair{Kind::kImageTorn, "image_torn"},
                                     std::pair{Kind::kImageType, "image_type"},
                                     std::pair{Kind::kImageSize, "image_size"},
                                     std::pair{Kind::kSameBytes, "image_same_bytes"},
                                     std::pair{Kind::kSameName, "image_same_name"},
                                     std::pair{Kind::kImageTurned, "image_turned"},
                                     std::pair{Kind::kBoxNone, "box_none"},
                                     std::pair{Kind::kBoxNotFinite, "box_not_finite"},
                                     std::pair{Kind::kBoxOverflow, "box_overflow"},
                                     std::pair{Kind::kBoxInverted, "box_inverted"},
                                     std::pair{Kind::kBoxNoArea, "box_no_area"},
                                     std::pair{Kind::kBoxNegative, "box_negative"},
                                     std::pair{Kind::kBoxOutside, "box_outside"},
                                     std::pair{Kind::kMask, "mask"},
                                     std::pair{Kind::kTextEmpty, "text_empty"},
                                     std::pair{Kind::kTextBlank, "text_blank"},
                                     std::pair{Kind::kTextLong, "text_long"},
                                     std::pair{Kind::kTextControl, "text_control"},
                                     std::pair{Kind::kTextUtf8, "text_utf8"}};
};
