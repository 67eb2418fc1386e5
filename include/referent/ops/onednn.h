// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "referent/ops/convolution.h"

/// oneDNN's fused operators, which LibTorch registers for PyTorch's compiler and gives no C++ name.
/// CPU, the types that oneDNN takes. Weights are as they are or packed.
namespace referent::ops {

/// Whether oneDNN's products and convolutions take tensors of this type on this machine: float32
/// everywhere, bfloat16 with AVX-512.
bool onednn_takes(c10::ScalarType type);

/// activation(x W^T + bias): x [..., K], weight [M, K], bias [M] or absent; activation "none",
/// "relu" or "gelu". oneDNN's float32 product is up to a tenth faster than that of MKL, which
/// at::linear takes.
torch::Tensor onednn_linear(const torch::Tensor& x, const torch::Tensor& weight,
                            const std::optional<torch::Tensor>& bias,
                            std::string_view activation = "none");

/// x W^T + bias + other.
torch::Tensor onednn_linear_plus(const torch::Tensor& x, const torch::Tensor& other,
                                 const torch::Tensor& weight,
                                 const std::optional<torch::Tensor>& bias);

/// The weight of onednn_linear as its kernels read it.
torch::Tensor onednn_pack_linear(const torch::Tensor& weight);

/// The convolution of x [B, C, H, W], channels last and not empty, with weight [M, C, h, w].
torch::Tensor onednn_convolution(const torch::Tensor& x, const torch::Tensor& weight,
                                 const std::optional<torch::Tensor>& bias,
                                 const ConvolutionGeometry& geometry, bool relu = false);

/// sum += the convolution, then its ReLU if wanted.
void onednn_convolution_onto(torch::Tensor sum, const torch::Tensor& x, const torch::Tensor& weight,
                             const std::optional<torch::Tensor>& bias,
                             const ConvolutionGeometry& geometry, bool relu);

/// The weight of onednn_convolution as its kernels read it for maps of height x width.
torch::Tensor onednn_pack_convolution(const torch::Tensor& weight,
                                      const ConvolutionGeometry& geometry, std::int64_t height,
                                      std::int64_t width);

}  // namespace referent::ops
