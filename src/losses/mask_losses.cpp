// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/mask_losses.h"

#include <ATen/ops/binary_cross_entropy_with_logits.h>

namespace referent::losses {

using torch::Tensor;

Tensor focal_loss(const Tensor& logits, const Tensor& targets) {
  constexpr double kAlpha = 0.25;
  const Tensor entropy =
      at::binary_cross_entropy_with_logits(logits, targets, /*weight=*/{},
                                           /*pos_weight=*/{}, at::Reduction::None);
  const Tensor p = logits.sigmoid();
  const Tensor missed = p + targets - 2 * p * targets;  // 1 - p_t
  const Tensor alpha = (1 - kAlpha) + (2 * kAlpha - 1) * targets;
  return (alpha * missed.square() * entropy).mean();
}

Tensor dice_loss(const Tensor& logits, const Tensor& targets) {
  const Tensor p = logits.sigmoid().flatten(1);
  const Tensor t = targets.flatten(1);
  return (1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean();
}

}  // namespace referent::losses
