// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// A tensor [B, N, length], contiguous along the last dimension; strides in elements, 0 to
/// broadcast.
struct Rows {
  const void* data = nullptr;
  long long batch_stride = 0, row_stride = 0;
};
struct MutableRows {
  void* data = nullptr;
  long long batch_stride = 0, row_stride = 0;
};

/// y_b = x_b W^T + bias + ((z_b Q) C_b) P^T. Every tensor has the element type `type`; sums are
/// float32.
struct ConditionalLinearParams {
  DataType type = DataType::kFloat32;
  bool allow_tf32 = false;  ///< float32 only: products of TF32 instead of float32
  int batch = 0, tokens = 0;
  int inputs = 0;           ///< K
  int low_rank_inputs = 0;  ///< Kz
  int outputs = 0;          ///< M
  int rank = 0;
  bool dense = false;            ///< the core is [B, r, r] instead of [B, r]
  Rows x;                        ///< [B, N, K]
  Rows z;                        ///< [B, N, Kz]; null: z = x
  const void* weight = nullptr;  ///< W [M, K]
  long long weight_stride = 0;   ///< from row to row
  const void* q = nullptr;       ///< Q [Kz, r]
  long long q_row_stride = 0, q_column_stride = 0;
  const void* p = nullptr;     ///< P [M, r]
  long long p_stride = 0;      ///< from row to row
  const void* core = nullptr;  ///< contiguous
  Rows bias;                   ///< broadcast to y; null: none
  MutableRows y;               ///< [B, N, M]
  void* low = nullptr;         ///< if not null receives z Q [B, N, r], contiguous
};

/// The part of the backward pass that no library product gives, u = dY P [B, N, r] never leaving
/// the chip:
///
///     low_gradient = u C_b^T                           gradient of z Q
///     scaled_low   = (z Q) C_b                         for dP = dY^T scaled_low
///     core_gradient_b = sum over rows of (z Q) * u     diagonal
///                       (z Q)^T u                      dense
///
/// Sums are float32 and in a fixed order: equal inputs give equal bits.
struct LowRankBackwardParams {
  DataType type = DataType::kFloat32;
  bool allow_tf32 = false;
  int batch = 0, tokens = 0;
  int outputs = 0;  ///< M
  int rank = 0;
  bool dense = false;
  Rows y_gradient;                ///< dY [B, N, M]
  const void* p = nullptr;        ///< P [M, r]
  long long p_stride = 0;         ///< from row to row
  const void* low = nullptr;      ///< z Q [B, N, r], contiguous, as the forward pass left it
  const void* core = nullptr;     ///< contiguous
  void* low_gradient = nullptr;   ///< [B, N, r], contiguous
  void* scaled_low = nullptr;     ///< [B, N, r], contiguous; null: not wanted
  void* core_gradient = nullptr;  ///< like core
  float* workspace = nullptr;     ///< low_rank_backward_workspace(params) bytes, 16-byte aligned
};

/// The widest bottleneck of the forward pass for float32 without TF32.
constexpr int kMostRankInParts = 32;

/// Which way a problem goes. Anything but kPortable and kHopper: the caller composes library calls.
enum class Path {
  kUnsupported,
  kPortable,  ///< mma.sync and cp.async, compute capability 8.0 and up
  kHopper,    ///< wgmma and TMA, compute capability 9.0 alone
};

}  // namespace referent::kernels
