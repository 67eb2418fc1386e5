// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

/// The kernel of kernels/conditional_conv2d on CUDA tensors of one type. Shapes as in the public
/// header, checked before.
namespace referent::ops::convolution {

/// y [B, Cout, H, W] and the bottleneck down(x) + bias [B, r, H, W], both channels-last. Nothing
/// where the kernel does not take the problem, an up kernel other than 1 x 1 for one.
std::optional<std::tuple<at::Tensor, at::Tensor>> fused_forward(
    const at::Tensor& x, const at::Tensor& down_weight, const std::optional<at::Tensor>& down_bias,
    const at::Tensor& core, const at::Tensor& up_weight, const std::optional<at::Tensor>& up_bias,
    const std::optional<at::Tensor>& residual);

}  // namespace referent::ops::convolution
