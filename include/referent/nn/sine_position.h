// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::nn {

/// DETR's sine position embedding of a padded grid.
///
/// Per axis, the running count of valid cells divided by its last value + 1e-6, times 2 pi, over
/// 10000^(2 floor(i / 2) / (width / 2)); sine and cosine interleaved; y first, then x.
/// padding [B, H, W] bool, true = padding; returns [B, H * W, width] float32.
torch::Tensor sine_position(const torch::Tensor& padding, std::int64_t width);

}  // namespace referent::nn
