// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "referent/engine/evaluator.h"

namespace referent::engine {

/// The samples of one kind.
struct BreakdownRow {
  std::string group;  ///< "3-5"
  std::int64_t samples = 0;
  double precision = 0;  ///< Prec@0.5
  double mean_iou = 0;
};

/// A result taken apart by one property.
struct Breakdown {
  std::string by;                  ///< key of the JSON document: "words"
  std::string title;               ///< for people: "words of the expression"
  std::vector<BreakdownRow> rows;  ///< in a fixed order, without groups that no sample is in
};

/// The boxes of `evaluation` by
/// - "words": words of the expression, told apart by spaces;
/// - "box_share": area of the annotated box as a share of the picture's;
/// - "spatial_words": whether the expression says where (data::has_spatial_word);
/// - "same_class": annotations of the target's category in its picture, itself one.
/// A sample of which a property is not known counts in no group of it; a property that is known of
/// none is left out.
std::vector<Breakdown> breakdowns(const Evaluation& evaluation);

}  // namespace referent::engine
