// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <optional>

namespace referent::ops {

/// x W^T + bias by oneDNN, whose float32 product is up to a tenth faster than that of MKL, which
/// at::linear takes. CPU, float32 or bfloat16; x [rows, K], weight [M, K], bias [M] or absent.
torch::Tensor onednn_linear(const torch::Tensor& x, const torch::Tensor& weight,
                            const std::optional<torch::Tensor>& bias);

/// A convolution of stride 1 by the operator that oneDNN's fusions go through. CPU, float32 or
/// bfloat16; x [B, C, H, W] with channels last, not empty; `weight` as it is or packed by
/// at::mkldnn_reorder_conv2d_weight.
torch::Tensor onednn_convolution(const torch::Tensor& x, const torch::Tensor& weight,
                                 const std::optional<torch::Tensor>& bias, at::IntArrayRef padding);

}  // namespace referent::ops
