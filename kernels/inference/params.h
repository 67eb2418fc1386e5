// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

/// What a frozen model does between its products. Everything is contiguous unless strides are
/// given; sums are float32.
namespace referent::kernels {

/// sum = a + b, y = (sum - mean) / sqrt(variance + epsilon) * weight + bias over rows [rows,
/// width].
struct AddLayerNormParams {
  DataType type = DataType::kFloat32;
  int rows = 0, width = 0;
  float epsilon = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* weight = nullptr;
  const void* bias = nullptr;
  void* sum = nullptr;  ///< null: not wanted
  void* y = nullptr;
};

/// 3x3 maxima at a stride of 2 with a border of 1: x [B, H, W, C] to y [B, ceil(H / 2),
/// ceil(W / 2), C]. Not a number wins.
struct MaxPoolParams {
  DataType type = DataType::kFloat32;
  int batch = 0, height = 0, width = 0, channels = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

/// The weights of one MMCA gate (MMCA, section 3.2) and of the core that it makes, float32.
struct GateWeights {
  const float* visual = nullptr;      ///< [width, channels]
  const float* text = nullptr;        ///< [width, text_width]
  const float* inner = nullptr;       ///< [hidden, width]
  const float* inner_bias = nullptr;  ///< [hidden]
  const float* outer = nullptr;       ///< [width, hidden]
  const float* outer_bias = nullptr;  ///< [width]
  const float* core = nullptr;        ///< [rank, width]
  const float* core_bias = nullptr;   ///< [rank]
};

/// Cores of `gates` gates that see the same things:
///
///     v = visual mean(x), t = text s, g = sigmoid(outer relu(inner (v + t)))
///     core_b = core (t + g v) + core_bias        or core (g t + v) + core_bias
struct GateParams {
  static constexpr int kMostGates = 2;

  DataType type = DataType::kFloat32;
  int batch = 0, tokens = 0, channels = 0, text_width = 0;
  int width = 0, hidden = 0, rank = 0;
  bool gates_visual = true;  ///< t + g v
  int gates = 0;
  GateWeights weights[kMostGates];
  const void* x = nullptr;  ///< [B, tokens, channels], contiguous along the last dimension
  long long x_batch_stride = 0, x_row_stride = 0;
  const void* text = nullptr;  ///< s [B, text_width]
  void* core = nullptr;        ///< [B, gates * rank]
};

/// Pixels in blocks of 2 x 2, for a convolution of stride 2 on few channels:
///
///     y[b, v, u, 4 c + 2 i + j] = x[b, 2 v + i - before, 2 u + j - before, c], zero outside x
///
/// x [B, H, W, 3], y [B, rows, columns, 16], of which the last four channels are zero.
struct BlocksParams {
  DataType type = DataType::kFloat32;
  int batch = 0, height = 0, width = 0;
  int before = 0;
  int rows = 0, columns = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

/// What the up-projection of a bottleneck reads when its bias is a further column of its weight:
///
///     y[p, :] = (x[p, :] * core[sample of p, :], 1, 0, ..., 0)
///
/// x [B, pixels, rank], core [B, rank], y [B, pixels, rank + 8].
struct ScaledBottleneckParams {
  DataType type = DataType::kFloat32;
  int batch = 0, pixels = 0, rank = 0;
  const void* x = nullptr;
  const void* core = nullptr;
  void* y = nullptr;
};

/// What attention with decomposed relative positions reads when a query's scores are features of it
/// (ViTDet; Li et al. 2021, MViTv2), of a map cut into square windows, one after the other:
///
///     q[w, (y, x), h] = (query, scores[side - 1 - y + i] for i < side,
///                        scores[3 side - 2 - x + j] for j < side, 0 ...)
///     k[w, (y, x), h] = (key, 1 where i = y, 1 where j = x, 0 ...)
///     v[w, (y, x), h] = value
///
/// qkv: rows of the cells of [batch, height, width], each the queries, keys and values of all
/// heads; scores [heads, cells, offsets]; q and k [windows, side * side, heads, features];
/// v [windows, side * side, heads, depth].
struct RelativeFeaturesParams {
  DataType type = DataType::kFloat32;
  int batch = 0, height = 0, width = 0;
  int side = 0;  ///< of a window; divides height and width
  int heads = 0, depth = 0, features = 0, offsets = 0;
  const void* qkv = nullptr;
  long long row_stride = 0;  ///< of qkv
  const void* scores = nullptr;
  void* q = nullptr;
  void* k = nullptr;
  void* v = nullptr;
};

}  // namespace referent::kernels
