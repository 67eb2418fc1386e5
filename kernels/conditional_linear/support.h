// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/conditional_linear/params.h"

namespace referent::kernels {

/// Which path takes a problem on a device of compute capability 10 major + minor. The kernels want
/// - ranks up to 64 that are a multiple of 16 bytes of elements,
/// - 16-byte aligned addresses and row strides of x, z, W, Q^T and P, Q contiguous along Kz (as the
///   transpose of a down weight [r, Kz] is), M a multiple of 4 elements,
/// and take any B, N, K and Kz.
Path supported_path(const ConditionalLinearParams& params, int compute_capability);
Path supported_path(const LowRankBackwardParams& params, int compute_capability);

/// Bytes of LowRankBackwardParams::workspace.
std::size_t low_rank_backward_workspace(const LowRankBackwardParams& params);

}  // namespace referent::kernels
