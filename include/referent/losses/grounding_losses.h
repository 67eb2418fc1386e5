// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/batch/batch.h"
#include "referent/losses/config.h"

namespace referent::losses {

/// What training minimises: the box losses where the model gives boxes and, where it gives masks,
/// the focal and dice losses of the samples that have one; each is a part, weighted by `config`. A
/// batch without any mask has the parts of its boxes only.
Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch);

}  // namespace referent::losses
