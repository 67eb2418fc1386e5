// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <optional>
#include <tuple>

/// What stands behind `referent::conditional_linear` and `referent::conditional_linear_backward`;
/// arguments in the order of the schemas. Shapes as in the public header.
namespace referent::ops::linear {

using torch::Tensor;

/// In the order of the forward's arguments: x, weight, bias, q, p, core, low_rank_input.
using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
using GradientMask = std::array<bool, 7>;

/// The ops, through the dispatcher.
Tensor call(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
            const Tensor& q, const Tensor& p, const Tensor& core,
            const std::optional<Tensor>& low_rank_input);
Gradients call_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                        const Tensor& core, const std::optional<Tensor>& low_rank_input,
                        GradientMask wanted);

/// Throws c10::Error when shapes do not fit.
void check_shapes(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                  const Tensor& q, const Tensor& p, const Tensor& core,
                  const std::optional<Tensor>& low_rank_input);

/// The formula in ATen's differentiable operators: the path of double and the oracle of the others.
Tensor composition(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input);

/// Out of library routines, on the CPU.
Tensor cpu_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input);

/// Out of library routines, on a GPU. A kernel of our own for some types and shapes goes before the
/// call of it in cuda.cpp.
Tensor cuda_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                    const Tensor& q, const Tensor& p, const Tensor& core,
                    const std::optional<Tensor>& low_rank_input);

/// What the backward pass brings through the bottleneck h = z Q [B, N, r].
struct BottleneckGradients {
  Tensor bottleneck;  ///< gradient of h: (dY P) C_b^T
  Tensor scaled;      ///< h C_b
  Tensor core;        ///< like core
};
/// Of them all, from dY [B, N, M], P, h and the core; nothing: what it got is not for it.
using BottleneckStep = std::optional<BottleneckGradients> (*)(const Tensor& grad, const Tensor& p,
                                                              const Tensor& bottleneck,
                                                              const Tensor& core);

/// Out of library routines, on any device and in any type; what the mask leaves out is undefined.
Gradients backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                   const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                   const Tensor& core, const std::optional<Tensor>& low_rank_input,
                   GradientMask wanted);
/// The same; `step` is asked where the pass through the bottleneck is wanted whole.
Gradients backward_with(BottleneckStep step, const Tensor& grad, const Tensor& x,
                        const Tensor& weight, const std::optional<Tensor>& bias, const Tensor& q,
                        const Tensor& p, const Tensor& core,
                        const std::optional<Tensor>& low_rank_input, GradientMask wanted);

/// Whether W + P C_b Q^T, formed for every sample, takes less time than applying the factors.
bool materialising_pays(const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& low_rank_input);

/// P C_b^T for every sample, [B, M, r]: with it both forms of the core are one.
Tensor up_with_core(const Tensor& p, const Tensor& core);

/// All positions of all samples as rows: [B, N, K] -> [B N, K].
Tensor rows(const Tensor& x);

}  // namespace referent::ops::linear
