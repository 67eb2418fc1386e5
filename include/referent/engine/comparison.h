// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "referent/engine/evaluator.h"
#include "referent/metrics/statistics.h"

namespace referent::engine {

/// Two systems on the same samples of a data set; differences are b - a, fractions.
struct Comparison {
  std::string dataset;
  std::string split;
  std::int64_t samples = 0;
  std::int64_t both = 0;  ///< samples that both hit at IoU 0.5
  std::int64_t only_a = 0;
  std::int64_t only_b = 0;
  double precision_a = 0;  ///< Prec@0.5
  double precision_b = 0;
  /// Exact McNemar test of only_a against only_b. It takes samples for independent, which
  /// expressions about one picture are not quite: the intervals below do not.
  double precision_p = 1;
  metrics::Interval precision_difference;  ///< 95 %, bootstrap over pictures, paired
  double mean_iou_a = 0;
  double mean_iou_b = 0;
  double mean_iou_p = 1;  ///< of no difference, by the same resamples
  metrics::Interval mean_iou_difference;
};

/// Pairs the samples by id and expression, in whatever order the two have them; samples that share
/// both are paired in turn. Throws DataError, naming one, where a sample of either has no partner.
Comparison compare(const Evaluation& a, const Evaluation& b);

/// Pairs the data sets by name and split; two single ones whatever their names. Throws DataError
/// where one has no partner.
std::vector<Comparison> compare(std::span<const Evaluation> a, std::span<const Evaluation> b);

}  // namespace referent::engine
