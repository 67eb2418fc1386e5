// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>

namespace referent::ops {

/// Of a convolution with one group: along rows and along columns.
struct ConvolutionGeometry {
  std::array<std::int64_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
};

/// Undefined where not wanted.
struct ConvolutionGradients {
  torch::Tensor x, weight;
};

/// The gradients of a convolution of x [B, C, H, W] by weight [M, C, h, w] from that of its outputs
/// [B, M, ...], by what takes the least time: on the CPU, in float32 with channels last, products
/// and Winograd's algorithm, otherwise the library's way.
ConvolutionGradients convolution_gradients(const torch::Tensor& gradient, const torch::Tensor& x,
                                           const torch::Tensor& weight,
                                           const ConvolutionGeometry& geometry, bool to_x,
                                           bool to_weight);

/// The same of a 1x1 convolution at stride 1, whose tensors all have channels last: two products of
/// B H W rows.
ConvolutionGradients pointwise_gradients(const torch::Tensor& gradient, const torch::Tensor& x,
                                         const torch::Tensor& weight, bool to_x, bool to_weight);

}  // namespace referent::ops
