// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/batch/batch.h"
#include "referent/losses/config.h"

namespace referent::losses {

/// [..., 4] cx, cy, w, h to x1, y1, x2, y2.
Tensor to_corners(const Tensor& boxes);

/// Generalised IoU (Rezatofighi et al. 2019) of pairs of boxes [N, 4] x1, y1, x2, y2; returns [N].
Tensor generalised_iou(const Tensor& a, const Tensor& b);

/// Losses of the one predicted box a sample: output.boxes [B, 1, 4] against batch.boxes [B, 4].
/// Both parts, "box" and "giou", are sums over the batch divided by its size (TransVG).
Losses box_losses(const LossConfig& config, const Output& output, const Batch& batch);

}  // namespace referent::losses
