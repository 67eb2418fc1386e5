// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "referent/training/loss_scaler.h"

namespace referent::engine {

/// The best evaluation so far.
struct BestEvaluation {
  std::int64_t step = 0;
  double value = 0;      ///< of train.best_metric
  double tie_break = 0;  ///< of the other metric

  bool operator==(const BestEvaluation&) const = default;
};

/// Where a run stands besides the values of its tensors. Random streams need no entry: they are
/// keyed by seed, epoch, sample and step.
struct TrainState {
  std::int64_t step = 0;             ///< steps done
  std::int64_t steps_per_epoch = 0;  ///< epoch and batch in it follow from the step
  std::int64_t evaluated_step = 0;   ///< the last evaluation's
  std::int64_t skipped = 0;          ///< steps whose loss or gradient was not finite
  std::int64_t overflowed = 0;       ///< of them those for the sake of the loss's scale
  std::int64_t bad_in_a_row = 0;     ///< the others without a good one since
  std::optional<BestEvaluation> best;
  std::int64_t evaluations_since_best = 0;
  std::int64_t accumulation = 1;  ///< pieces of a process's share of a batch
  std::int64_t ema_updates = 0;
  training::LossScaler::State loss_scaling;
  /// Sums over the steps since the last line of the metrics files, each with the number of steps
  /// that had the value: a batch without masks has no loss of masks.
  std::map<std::string, std::pair<double, std::int64_t>> window;

  std::int64_t epoch() const { return steps_per_epoch > 0 ? step / steps_per_epoch : 0; }
  std::int64_t batch_in_epoch() const { return steps_per_epoch > 0 ? step % steps_per_epoch : 0; }

  bool operator==(const TrainState&) const = default;
};

/// As JSON text; numbers come back to the last bit.
std::string to_text(const TrainState& state);
/// Throws CheckpointError, naming `where`, for what is no training state.
TrainState parse_train_state(const std::string& text, const std::string& where);

}  // namespace referent::engine
