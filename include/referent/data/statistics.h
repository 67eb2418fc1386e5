// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "referent/data/annotations.h"
#include "referent/data/published.h"

namespace referent::data {

/// Of some numbers; all 0 where there are none.
struct Distribution {
  std::int64_t count = 0;
  double mean = 0;
  double minimum = 0;
  double median = 0;
  double percentile_95 = 0;
  double maximum = 0;
};

/// The nearest-rank percentiles and the mean of `values`.
Distribution distribution_of(std::vector<double> values);

/// What one split is made of. Entries that cannot be read are left out.
struct SplitStatistics {
  std::string dataset;
  std::string split;
  Counts counts;
  std::int64_t distinct_words = 0;
  Distribution words;              ///< of an expression
  Distribution image_expressions;  ///< expressions of an image
  Distribution box_side;           ///< square root of the area of a referent's box [pixels]
  Distribution box_share;          ///< area of the box over the image's, where its size is known
  std::int64_t small = 0;          ///< referents with a box below 32 x 32 pixels, as COCO counts
  std::int64_t medium = 0;         ///< below 96 x 96
  std::int64_t large = 0;
  std::int64_t spatial = 0;  ///< expressions for which has_spatial_word() holds
  /// Annotated objects of the referent's category in its image, itself one; where the format knows
  /// categories.
  Distribution same_class;
};

/// One element a split, in the order in which splits first occur.
std::vector<SplitStatistics> statistics_of(const Annotations& annotations);

/// As a table for people, and as one JSON document.
std::string statistics_table(const std::vector<SplitStatistics>& splits);
std::string statistics_json(const std::vector<SplitStatistics>& splits);

}  // namespace referent::data
