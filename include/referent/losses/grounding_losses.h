// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/batch/batch.h"
#include "referent/losses/config.h"

namespace referent::losses {

/// Of a whole batch, when losses are computed of a piece of it.
struct BatchCounts {
  std::int64_t samples = 0;
  std::int64_t masks = 0;  ///< samples with a target mask

  static BatchCounts of(const Batch& batch);
};

/// What training minimises: the box losses where the model gives boxes and, where it gives masks,
/// the focal and dice losses of the samples that have one; each is a part, weighted by `config`. A
/// batch without any mask has the parts of its boxes only.
///
/// Every part is a mean over the samples of `whole`, so that the losses of the pieces of a batch
/// sum to those of the batch, and so do their gradients.
Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch,
                        const BatchCounts& whole);
/// The same of a whole batch.
Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch);

}  // namespace referent::losses
