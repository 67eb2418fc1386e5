// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::ops {

/// The two convolutions of a low-rank update of a convolution; biases may be undefined.
struct ConvolutionUpdate {
  torch::Tensor down_weight;  ///< [r, C, kd, kd], odd kd, "same" padding
  torch::Tensor down_bias;    ///< [r]
  torch::Tensor core;         ///< [B, r]
  torch::Tensor up_weight;    ///< [Cout, r, ku, ku], odd ku, "same" padding
  torch::Tensor up_bias;      ///< [Cout]
};

/// The op `referent::conditional_conv2d(x, down_weight, down_bias?, core, up_weight, up_bias?,
/// residual?)`: up(core_b * down(x_b)) + residual. x [B, C, H, W]; returns [B, Cout, H, W].
/// `residual` may be undefined. Throws c10::Error when shapes do not fit. MMCA: 3x3 C -> 64, then
/// 1x1 64 -> C in the released form; 1x1, then 3x3, without biases, in the paper's.
///
/// y has the memory format that x suggests. Types, autocast and gradients as those of
/// `conditional_linear`; the backward, `referent::conditional_conv2d_backward`, takes the
/// bottleneck down(x) that the forward kept. A 1x1 up-convolution is one product for each sample,
/// whose weight holds the core, straight into the sum with the residual.
torch::Tensor conditional_conv2d(const torch::Tensor& x, const ConvolutionUpdate& update,
                                 const torch::Tensor& residual);

}  // namespace referent::ops
