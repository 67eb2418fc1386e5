// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

namespace referent::ops {

/// Convolutions by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for
/// Convolutional Neural Networks", 2016): 36 products give the 16 outputs of a tile, a quarter of
/// the plain sum's 144. Tiles are transformed, multiplied and transformed back while they are in
/// the cache. Results differ from plain sums by rounding alone (a relative 1.2e-6, root mean
/// square, for 256 channels; plain sums 0.8e-6) and do not depend on the number of threads.

/// Whether the convolution of maps of this height and width by weight [M, C, k, k] may come here,
/// and gains by it: float32 on a CPU with AVX2 and fused multiply-add, k = 3, stride 1, padding 1,
/// dilation 1, channels in multiples of 32, and not many more outputs in tiles than in the map.
bool winograd_takes(const torch::Tensor& weight, std::int64_t height, std::int64_t width,
                    std::int64_t stride, std::int64_t padding, std::int64_t dilation);

/// What weight [M, C, 3, 3] is for this processor: [M / P, 36, C, P], four times its size.
torch::Tensor winograd_pack(const torch::Tensor& weight);
/// The same for the convolution that turns the gradient of the outputs into that of the inputs:
/// [C / P, 36, M, P].
torch::Tensor winograd_pack_transposed(const torch::Tensor& weight);

/// x [B, C, H, W] -> [B, M, H, W], both with channels last; bias [M] or absent.
torch::Tensor winograd_convolution(const torch::Tensor& x, const torch::Tensor& packed,
                                   const std::optional<torch::Tensor>& bias, bool relu);
/// The same with `sum` [B, M, H, W] added before the activation; `sum`, which has channels last, is
/// overwritten.
void winograd_convolution_onto(const torch::Tensor& sum, const torch::Tensor& x,
                               const torch::Tensor& packed,
                               const std::optional<torch::Tensor>& bias, bool relu);

}  // namespace referent::ops
