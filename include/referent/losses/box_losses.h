// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include "referent/losses/config.h"

namespace referent::losses {

/// Overlap of pairs of boxes [N, 4] cx, cy, w, h over the square, 0..1; returns [N].
///
/// With I and U the areas of intersection and union, C that of the smallest enclosing box, d the
/// distance of the centres and c the enclosing box's diagonal:
///
///     IoU = I / U,  GIoU = IoU - (C - U) / C (Rezatofighi et al. 2019),  DIoU = IoU - d^2 / c^2,
///     CIoU = DIoU - v^2 / (1 - IoU + v + 1e-6),  v = 4 / pi^2 (atan(w / h) - atan(w' / h'))^2
///     (Zheng et al. 2020)
///
/// IoU divides by at least 1e-6 as in VG-LAW's released code; the others are not defined for two
/// empty boxes at one place, which a sigmoid never gives.
torch::Tensor box_overlap(Overlap overlap, const torch::Tensor& a, const torch::Tensor& b);

/// The sum of the regression loss over all elements.
torch::Tensor regression_loss(BoxLoss loss, const torch::Tensor& predicted,
                              const torch::Tensor& target);

}  // namespace referent::losses
