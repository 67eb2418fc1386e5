// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "referent/core/file.h"

namespace referent::engine {

using Values = std::vector<std::pair<std::string, double>>;

/// What happened at a step; nothing in it may depend on the clock.
struct Record {
  std::string kind;  ///< "train" or "eval"
  std::int64_t step = 0;
  std::int64_t epoch = 0;  ///< from 1
  std::string dataset;     ///< name in data.eval; empty for "train"
  Values values;
};

/// The growing files of a run folder. Every line is handed to the system whole as soon as it is
/// there, so that a killed run leaves whole lines but perhaps the last:
/// - metrics.jsonl: {"kind", "step", "epoch", "dataset"?, and the values by name};
/// - metrics.csv: the same in long form, a line per value: kind,step,epoch,dataset,metric,value;
/// - tensorboard/: the same as scalars "train/<name>" and "eval/<dataset>/<name>" for TensorBoard;
/// - timing.jsonl: {"step", and the values by name}, all that depends on the clock;
/// - bad_steps.jsonl: {"step", "ids", and the values by name} of steps that were skipped.
class Recorder {
 public:
  /// For the files in `folder`, which exists.
  explicit Recorder(Path folder);

  void record(const Record& record) const;
  void record_timing(std::int64_t step, const Values& values) const;
  /// `ids` are those of the samples of the step.
  void record_bad_step(std::int64_t step, const std::vector<std::string>& ids,
                       const Values& values) const;

  /// Drops the lines after step `trained` ("train", timing) and `evaluated` ("eval") and what was
  /// not finished, so that a resumed run doubles none.
  void rewind(std::int64_t trained, std::int64_t evaluated) const;

 private:
  Path folder_;
};

}  // namespace referent::engine
