// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "kernels.h"

/// The kernels of kernels/conditional_linear on CUDA tensors of one type. Shapes as in the public
/// header, checked before. Nothing where the kernels do not take a problem: the caller composes it.
namespace referent::ops::linear {

/// y [B, N, M]
std::optional<at::Tensor> fused_forward(const at::Tensor& x, const at::Tensor& weight,
                                        const std::optional<at::Tensor>& bias, const at::Tensor& q,
                                        const at::Tensor& p, const at::Tensor& core,
                                        const std::optional<at::Tensor>& low_rank_input);

/// A BottleneckStep.
std::optional<BottleneckGradients> fused_bottleneck(const at::Tensor& grad, const at::Tensor& p,
                                                    const at::Tensor& bottleneck,
                                                    const at::Tensor& core);

}  // namespace referent::ops::linear
