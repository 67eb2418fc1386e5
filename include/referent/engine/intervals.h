// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "referent/engine/evaluator.h"
#include "referent/metrics/statistics.h"

namespace referent::engine {

using Intervals = std::vector<std::pair<std::string, metrics::Interval>>;

/// For every result, the number of its picture: 0, 1, ... by first appearance. What
/// metrics::resampled_means draws.
std::vector<std::int64_t> picture_groups(const Evaluation& evaluation);

/// 95 % bootstrap intervals over pictures (metrics::resampled_means) of "prec@0.5" and "mean_iou",
/// and where masks were compared of "mask_prec@0.5" and "mask_mean_iou". Empty without samples. The
/// same results always give the same intervals.
Intervals intervals(const Evaluation& evaluation);

}  // namespace referent::engine
