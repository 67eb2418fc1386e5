// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

namespace referent::ops {

/// 3x3 convolutions by Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for
/// Convolutional Neural Networks", 2016). A tile's inputs and the filter are transformed,
/// multiplied point by point and transformed back while they are in the cache.
///
/// Outputs come in tiles of 2x4 by 24 products, where a plain sum has 72; gradients in tiles of 4x4
/// by 36 instead of 144. Both differ from plain sums by rounding alone. Relative to the result,
/// root mean square, 256 channels: outputs 0.7e-6, gradients 1.3e-6, oneDNN's plain sum 0.6e-6 to
/// 0.9e-6. Results do not depend on the number of threads.

/// Whether the convolution of maps of this height and width by weight [M, C, k, k] may come here,
/// and gains by it: float32 on a CPU with AVX2 and fused multiply-add, k = 3, stride 1, padding 1,
/// dilation 1, channels in multiples of 32, and not many more outputs in tiles than in the map.
bool winograd_takes(const torch::Tensor& weight, std::int64_t height, std::int64_t width,
                    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation);

/// What weight [M, C, 3, 3] is for this processor: [M / P, 24, C, P].
torch::Tensor winograd_pack(const torch::Tensor& weight);
/// x [B, C, H, W] -> [B, M, H, W], both with channels last; bias [M] or absent.
torch::Tensor winograd_convolution(const torch::Tensor& x, const torch::Tensor& packed,
                                   const std::optional<torch::Tensor>& bias, bool relu);
/// The same from weight [M, C, 3, 3] itself, for one use of it.
torch::Tensor winograd_convolution_once(const torch::Tensor& x, const torch::Tensor& weight,
                                        const std::optional<torch::Tensor>& bias, bool relu);
/// The first with `sum` [B, M, H, W] added before the activation; `sum`, which has channels last,
/// is overwritten.
void winograd_convolution_onto(const torch::Tensor& sum, const torch::Tensor& x,
                               const torch::Tensor& packed,
                               const std::optional<torch::Tensor>& bias, bool relu);

/// The gradient of x [B, C, H, W], with channels last, from that of the outputs [B, M, H, W] and
/// the weight [M, C, 3, 3].
torch::Tensor winograd_input_gradient(const torch::Tensor& gradient, const torch::Tensor& weight);
/// The gradient of the weight [M, C, 3, 3], laid out as `weight` is, from x [B, C, H, W] and the
/// gradient [B, M, H, W] of the outputs: F(3x3, 4x4), of which the latter is the filter.
torch::Tensor winograd_weight_gradient(const torch::Tensor& x, const torch::Tensor& gradient,
                                       const torch::Tensor& weight);

}  // namespace referent::ops
