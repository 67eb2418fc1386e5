// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::nn {

/// Cuts a grid into square windows, as ViTDet's window attention does (Li et al. 2022).
///
/// x [B, H, W, C] -> [B * rows * columns, size, size, C]: the grid is padded with zeros below and
/// to the right to multiples of `size`; windows are in row-major order, the sample slowest.
torch::Tensor partition_windows(const torch::Tensor& x, std::int64_t size);

/// The inverse: windows [B * rows * columns, size, size, C] of a grid of `height` x `width` ->
/// [B, height, width, C], without the padding.
torch::Tensor join_windows(const torch::Tensor& windows, std::int64_t height, std::int64_t width);

}  // namespace referent::nn
