// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "referent/batch/batch.h"
#include "referent/distributed/gradient_reducer.h"
#include "referent/distributed/process_group.h"
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

/// How a step is made by several processes: each computes its pieces of the batch.
struct Exchange {
  distributed::ProcessGroup* group = nullptr;  ///< null: one process
  distributed::GradientReducer* reducer = nullptr;
  /// Processes tell each other where memory did not suffice, so that all of them can begin the step
  /// anew. Costs a small exchange that the host waits for; the reducer must be abandonable.
  bool agree_on_memory = false;
};

struct StepOptions {
  torch::Device device = torch::kCPU;
  losses::LossConfig loss;
  ForwardOptions forward;
  Exchange exchange;
};

/// What one step gave.
struct StepResult {
  bool finite = true;  ///< loss and gradient; otherwise the step changed nothing
  /// "loss", its unweighted parts "loss_<part>", and "gradient_norm" before clipping.
  std::vector<std::pair<std::string, double>> values;
};

/// One step of gradient descent on a batch, computed piece by piece, at least one. The gradient is
/// that of the losses of `whole`, of which the pieces of all processes are all there is; the result
/// is the same on all of them. `factor` is the learning rate's,
/// `loss_scale` multiplies the loss and is taken out of the gradient again. Throws OutOfMemory on
/// all processes where they agree on memory, before anything has changed but the gradients.
StepResult step(models::Model& model, AdamW& optimizer, std::span<const Piece> pieces,
                const losses::BatchCounts& whole, double factor, double loss_scale,
                const StepOptions& options);

}  // namespace referent::training
