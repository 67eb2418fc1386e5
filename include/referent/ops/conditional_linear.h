// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "referent/ops/low_rank_update.h"

namespace referent::ops {

/// A linear layer whose weight has a sample-dependent low-rank update: the op
/// `referent::conditional_linear(x, weight, bias?, q, p, core, low_rank_input?)`.
///
///     y_b = x_b W^T + bias + ((z_b Q) C_b) P^T
///
/// x [B, N, K], weight [M, K], bias broadcast to y or undefined; returns [B, N, M]. B and N may
/// be 0. Throws c10::Error when shapes do not fit. MMCA: C_b diagonal, r = 64; VG-LAW: C_b dense.
///
/// float32 and bfloat16, on a GPU float16 too, have kernels and a backward op of their own,
/// `referent::conditional_linear_backward`, without second derivatives; every other type, and so
/// double, is composed of ATen's operators. Under autocast it lowers as at::linear does. Where the
/// low-rank input is x and there are many tokens, the CPU forms each sample's whole weight, else it
/// applies the factors; a sample's weight gradient is never formed.
torch::Tensor conditional_linear(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias, const LowRankUpdate& update);

/// The plain linear layer where there is no update.
torch::Tensor conditional_linear(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias,
                                 const std::optional<LowRankUpdate>& update);

}  // namespace referent::ops
