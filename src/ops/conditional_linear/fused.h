// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// The kernels of kernels/conditional_linear on CUDA tensors of one type. Shapes as in the public
/// header, checked before. Nothing where the kernels do not take a problem: the caller composes it.
namespace referent::ops::linear {

/// y [B, N, M]
std::optional<at::Tensor> fused_forward(const at::Tensor& x, const at::Tensor& weight,
                                        const std::optional<at::Tensor>& bias, const at::Tensor& q,
                                        const at::Tensor& p, const at::Tensor& core,
                                        const std::optional<at::Tensor>& low_rank_input);

struct BottleneckGradients {
  at::Tensor bottleneck;  ///< gradient of z Q [B, N, r]: (dY P) C_b^T
  at::Tensor scaled;      ///< (z Q) C_b [B, N, r]; undefined where not wanted
  at::Tensor core;        ///< like core
};

/// From dY [B, N, M] and the bottleneck z Q [B, N, r].
std::optional<BottleneckGradients> fused_backward(const at::Tensor& grad, const at::Tensor& p,
                                                  const at::Tensor& bottleneck,
                                                  const at::Tensor& core, bool scaled_wanted);

}  // namespace referent::ops::linear
