// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <optional>
#include <tuple>

/// What stands behind `referent::conditional_conv2d`, `referent::_conditional_conv2d` and
/// `referent::conditional_conv2d_backward`; arguments in the order of the schemas. Shapes as in the
/// public header.
namespace referent::ops::convolution {

using torch::Tensor;

/// y [B, Cout, H, W] and what the backward needs of the way to it: the bottleneck down(x)
/// [B, r, H, W], without the core. Both in the memory format that x suggests.
using Forward = std::tuple<Tensor, Tensor>;

/// Of x, down_weight, down_bias, core, up_weight, up_bias; the residual's is that of y.
using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
using GradientMask = std::array<bool, 6>;

/// The ops, through the dispatcher.
Tensor call(const Tensor& x, const Tensor& down_weight, const std::optional<Tensor>& down_bias,
            const Tensor& core, const Tensor& up_weight, const std::optional<Tensor>& up_bias,
            const std::optional<Tensor>& residual);
Forward call_forward(const Tensor& x, const Tensor& down_weight,
                     const std::optional<Tensor>& down_bias, const Tensor& core,
                     const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                     const std::optional<Tensor>& residual);
Gradients call_backward(const Tensor& grad, const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const Tensor& bottleneck, GradientMask wanted);

/// Throws c10::Error when shapes do not fit.
void check_shapes(const Tensor& x, const Tensor& down_weight,
                  const std::optional<Tensor>& down_bias, const Tensor& core,
                  const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                  const std::optional<Tensor>& residual);

/// The formula in ATen's differentiable operators: the path of double and the oracle of the others.
Tensor composition(const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const std::optional<Tensor>& residual);

/// Out of library routines, on the CPU or a GPU. Rounds in the order of the released operators,
/// which decides what ReLUs let through and so whether gradients equal the released code's.
Forward library_forward(const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const std::optional<Tensor>& residual);

/// The same without what a backward pass needs: a pointwise up convolution adds to the residual at
/// once.
Tensor library_inference(const Tensor& x, const Tensor& down_weight,
                         const std::optional<Tensor>& down_bias, const Tensor& core,
                         const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                         const std::optional<Tensor>& residual);

/// On a GPU. A kernel of our own for some types and shapes goes before the call of
/// `library_forward` in cuda.cpp.
Forward cuda_forward(const Tensor& x, const Tensor& down_weight,
                     const std::optional<Tensor>& down_bias, const Tensor& core,
                     const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                     const std::optional<Tensor>& residual);

/// Out of library routines, on any device and in any type; what the mask leaves out is undefined.
Gradients backward(const Tensor& grad, const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const Tensor& bottleneck, GradientMask wanted);

/// Whether kernels of ours take these arguments (../kernel_types.h).
bool taken(const Tensor& x, const Tensor& down_weight, const std::optional<Tensor>& down_bias,
           const Tensor& core, const Tensor& up_weight, const std::optional<Tensor>& up_bias,
           const std::optional<Tensor>& residual);

}  // namespace referent::ops::convolution
