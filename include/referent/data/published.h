// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace referent::data {

/// How large a split is; 0 stands for a number that is not known.
struct Counts {
  std::int64_t expressions = 0;
  std::int64_t images = 0;
  std::int64_t referents = 0;

  bool operator==(const Counts&) const = default;
};

/// The published numbers of a split of RefCOCO (unc), RefCOCO+ (unc), RefCOCOg (umd, google),
/// ReferItGame (berkeley) or Flickr30k Entities as the field uses it, by the name that a reader
/// gives the data set ("refcoco@unc", "unc", "refcoco-unc", ...). None for others.
///
/// Expressions: as the released code of OneRef (NeurIPS 2024) prints them, for all splits. Images
/// and referents of the thirteen splits of RefCOCO, RefCOCO+ and RefCOCOg: the table of `ref_coco`
/// in TensorFlow Datasets' catalogue, counted in the files of github.com/lichengunc/refer; its
/// `gref`, from the authors' own release, has the same images of the google split. Of ReferItGame
/// and Flickr30k only the expressions are compared: papers differ in what they count as a referent.
std::optional<Counts> published_counts(std::string_view dataset, std::string_view split);

}  // namespace referent::data
