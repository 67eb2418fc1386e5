// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include "referent/batch/batch.h"
#include "referent/models/model.h"
#include "referent/training/recorded_passes.h"

namespace referent::training {

struct ForwardOptions {
  torch::ScalarType type = torch::kFloat32;  ///< or a 16-bit one, where autocast holds it safe
  bool forget_activations = false;           ///< nn::ForgetActivations
  RecordedPasses* recorded = nullptr;        ///< of the model: its passes are replayed
  bool masks_count = true;  ///< the loss depends on mask logits, where there are any
};

/// The model's output for a training step, in float32 whatever it was computed in.
Output forward(models::Model& model, const Batch& batch, const ForwardOptions& options);

/// The same, with nothing recorded.
Output plain_forward(models::Model& model, const Batch& batch, const ForwardOptions& options);

}  // namespace referent::training
