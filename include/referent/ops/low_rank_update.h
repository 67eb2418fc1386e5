// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::ops {

/// A low-rank update of a weight W [M, K] whose core depends on the sample:
///
///     y_b = x_b W^T + bias + ((z_b Q) C_b) P^T
///
/// C_b = diag(core_b) for a core of [B, r], the matrix itself for [B, r, r].
struct LowRankUpdate {
  torch::Tensor q;      ///< [Kz, r]
  torch::Tensor p;      ///< [M, r]
  torch::Tensor core;   ///< [B, r] or [B, r, r]
  torch::Tensor input;  ///< z [B, N, Kz]; undefined: z = x
};

}  // namespace referent::ops
