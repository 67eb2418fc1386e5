// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "referent/batch/batch.h"
#include "referent/losses/grounding_losses.h"
#include "referent/models/model.h"
#include "referent/training/forward.h"
#include "referent/training/optimizer.h"

namespace referent::training {

/// A part of a batch that is computed at one time.
struct Piece {
  Batch batch;             ///< on any device
  std::uint64_t seed = 0;  ///< of its random choices, such as dropout
  double weight = 1;       ///< 0: runs like any other, but counts for nothing
};

struct StepOptions {
  torch::Device device = torch::kCPU;
  losses::LossConfig loss;
  ForwardOptions forward;
};

/// What one step gave.
struct StepResult {
  bool finite = true;  ///< loss and gradient; otherwise the step changed nothing
  /// "loss", its unweighted parts "loss_<part>", and "gradient_norm" before clipping.
  std::vector<std::pair<std::string, double>> values;
};

/// One step of gradient descent on a batch, computed piece by piece. The gradient is that of the
/// losses of `whole`, of which the pieces are all there is. `factor` is the learning rate's,
/// `loss_scale` multiplies the loss and is taken out of the gradient again.
StepResult step(models::Model& model, AdamW& optimizer, std::span<const Piece> pieces,
                const losses::BatchCounts& whole, double factor, double loss_scale,
                const StepOptions& options);

}  // namespace referent::training
