// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <utility>

namespace referent::nn {

/// What follows a convolution in a residual block with frozen batch norm, in one pass: y becomes
/// relu(scale y + shift + sum) in place, scale and shift [C] a channel at a time.
///
/// y [B, C, H, W] dense in either memory format, on the CPU; sum the same or undefined. For float32
/// the bits are those of at::batch_norm, at::add and at::relu one after the other.
void normalise_relu_(torch::Tensor& y, const torch::Tensor& scale, const torch::Tensor& shift,
                     const torch::Tensor& sum);

/// The gradients of that by its result y: of sum (undefined where not `sum_wanted`) and of what y
/// was before.
std::pair<torch::Tensor, torch::Tensor> normalise_relu_backward(const torch::Tensor& gradient,
                                                                const torch::Tensor& y,
                                                                const torch::Tensor& scale,
                                                                bool sum_wanted);

}  // namespace referent::nn
