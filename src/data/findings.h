// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "referent/data/annotations.h"
#include "referent/data/check.h"
#include "referent/image/decode.h"

/// What the parts of check_datasets() share.
namespace referent::data {

/// A picture file.
struct Picture {
  /// kUnread: it was not opened.
  enum class State { kUnread, kSound, kEmpty, kTorn, kOtherType };

  std::filesystem::path path;
  State state = State::kUnread;
  std::string message;      ///< why it is not sound
  image::ImageFacts facts;  ///< of a sound one
  std::uint64_t hash = 0;   ///< of the bytes of a file that was read
};

/// Pictures by their path.
using PictureTable = std::map<std::string, Picture>;

/// A split while it is looked at.
struct SplitState {
  std::size_t number = 0;  ///< place among all splits
  const Annotations* annotations = nullptr;
  std::string split;
  bool training = false;
  bool skips_missing = false;  ///< its configuration does without images that are not there
  bool as_published = false;   ///< its numbers are the published ones
  std::vector<const Entry*> entries;
  /// By the name that the annotations use; null where there is no such file, or none was looked
  /// for.
  std::map<std::string, const Picture*> pictures;

  std::string label() const;  ///< "refcoco@unc val"
  std::string place(const Entry& entry) const { return annotations->file.string() + entry.where; }
};

/// Gathers findings by split and kind.
class Findings {
 public:
  explicit Findings(const CheckOptions& options) : options_(options) {}

  void add(FindingKind kind, const SplitState& split, std::string example);
  std::vector<Finding> take();

 private:
  bool is_fault(FindingKind kind, const SplitState& split) const;

  const CheckOptions& options_;
  std::map<std::pair<std::size_t, FindingKind>, Finding> found_;
};

/// Opens every picture, `workers` at a time.
void read_pictures(PictureTable& pictures, std::int64_t workers);

/// Reports the pictures of a split.
void check_pictures(const SplitState& split, const CheckOptions& options, Findings& findings);

/// Reports the entries of a split: what cannot be read, boxes, masks, expressions, repetitions.
void check_entries(const SplitState& split, const CheckOptions& options, Findings& findings);

/// Reports images that evaluation shares with training, by name and by content.
void check_leaks(const std::vector<SplitState>& splits, Findings& findings);

}  // namespace referent::data
