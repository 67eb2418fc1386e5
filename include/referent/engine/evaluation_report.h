// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "referent/engine/comparison.h"
#include "referent/engine/evaluator.h"

namespace referent::engine {

/// What is told beside the figures of evaluations.
struct ReportOptions {
  bool intervals = false;
  bool breakdown = false;
};

/// Other results that the evaluations were compared with.
struct Compared {
  std::string with;  ///< name of their file
  std::vector<Evaluation> evaluations;
  std::vector<Comparison> rows;
};

/// evaluations_json() with, in every result,
/// - "intervals": {"level": 0.95, "prec@0.5": [low, high], "mean_iou": ..., "mask_..."?};
/// - "breakdown": {"words": [{"group", "samples", "prec@0.5", "mean_iou"}], "box_share"?, ...},
///   see breakdowns();
/// and beside the results "comparison": {"with", "with_results": as "results", "rows": [{"dataset",
/// "split", "samples", "prec@0.5": {"both", "only_a", "only_b", "a", "b", "difference", "interval",
/// "p"}, "mean_iou": {"a", "b", "difference", "interval", "p"}}]}, where b is what was compared
/// with, and differences are b - a.
std::string report_json(std::span<const Evaluation> evaluations, const ReportOptions& options,
                        const Compared* compared = nullptr);

/// evaluations_table() and a table for each of these, in percent.
std::string report_table(std::span<const Evaluation> evaluations, const ReportOptions& options,
                         const Compared* compared = nullptr);

}  // namespace referent::engine
