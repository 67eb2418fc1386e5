// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include "referent/batch/batch.h"
#include "referent/models/model.h"

namespace referent::training {

struct ForwardOptions {
  torch::ScalarType type = torch::kFloat32;  ///< or bfloat16, where autocast holds it safe
  bool forget_activations = false;           ///< nn::ForgetActivations
};

/// The model's output for a training step, in float32 whatever it was computed in.
Output forward(models::Model& model, const Batch& batch, const ForwardOptions& options);

}  // namespace referent::training
