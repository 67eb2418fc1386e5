// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// up(core_b * (down(x_b) + down_bias)) + up_bias + residual: `down` an odd kernel with "same"
/// padding, `up` 1 x 1. Every tensor has the element type `type` and lies channels-last: strides in
/// elements, channels contiguous. Sums are float32.
struct ConditionalConv2dParams {
  DataType type = DataType::kFloat32;
  bool allow_tf32 = false;  ///< float32 only: products of TF32 instead of float32
  int batch = 0, height = 0, width = 0;
  int channels = 0;  ///< C
  int outputs = 0;   ///< Cout
  int rank = 0;
  int kernel_height = 0, kernel_width = 0;  ///< odd
  const void* x = nullptr;                  ///< [B, H, W, C]
  long long x_batch_stride = 0, x_row_stride = 0, x_column_stride = 0;
  const void* down_weight = nullptr;  ///< [r, kh, kw, C], contiguous
  const void* down_bias = nullptr;    ///< [r]; null: none
  const void* core = nullptr;         ///< [B, r], contiguous
  const void* up_weight = nullptr;    ///< [Cout, r], contiguous
  const void* up_bias = nullptr;      ///< [Cout]; null: none
  const void* residual = nullptr;     ///< [B, H, W, Cout], contiguous; null: none
  void* y = nullptr;                  ///< [B, H, W, Cout], contiguous
  void* low = nullptr;  ///< if not null receives down(x) + down_bias [B, H, W, r], contiguous
};

}  // namespace referent::kernels
