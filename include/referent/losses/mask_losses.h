// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::losses {

/// Focal loss (Lin et al. 2017) with alpha 0.25 and gamma 2, the mean over all elements:
///
///     alpha_t (1 - p_t)^2 CE(logit, target)
///
/// logits and targets (0..1) of one shape. The cross-entropy is taken from the logits, so the loss
/// and its gradient stay finite for any of them.
torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& targets);

/// Dice loss (Milletari et al. 2016): 1 - (2 sum p t + 1) / (sum p + sum t + 1) for every sample of
/// [B, ...], then their mean.
torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace referent::losses
