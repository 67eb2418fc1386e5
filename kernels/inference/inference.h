// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/common/numbers.h"

/// What a frozen model does between its products, each in one pass and one launch. Everything is
/// contiguous unless strides are given; sums are float32.
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

/// 16-bit types and a width of 256, 512, 768 or 1024.
bool takes(const AddLayerNormParams& params);
cudaError_t launch_add_layer_norm(const AddLayerNormParams& params, cudaStream_t stream);

/// 3x3 maxima at a stride of 2 with a border of 1: x [B, H, W, C] to y [B, ceil(H / 2),
/// ceil(W / 2), C]. Not a number wins.
struct MaxPoolParams {
  DataType type = DataType::kFloat32;
  int batch = 0, height = 0, width = 0, channels = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

/// Channels in whole 16 bytes.
bool takes(const MaxPoolParams& params);
cudaError_t launch_max_pool(const MaxPoolParams& params, cudaStream_t stream);

/// The weights of one MMCA gate (MMCA, section 3.2) and of the core that it makes, float32.
struct GateWeights {
  const float* visual = nullptr;      ///< [width, channels]
  const float* text = nullptr;        ///< [width, text_width]
  const float* inner = nullptr;       ///< [hidden, width]
  const float* inner_bias = nullptr;  ///< [hidden]
  const float* outer = nullptr;       ///< [width, hidden]
  const float* outer_bias = nullptr;  ///< [width]
  const float* core = nullptr;        ///< [width, rank]
  const float* core_bias = nullptr;   ///< [rank]
};

/// Cores of `gates` gates that see the same things:
///
///     v = visual mean(x), t = text s, g = sigmoid(outer relu(inner (v + t)))
///     core_b = (t + g v) core + core_bias        or (g t + v) core + core_bias
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

/// Up to 256 features and hidden units, up to 2048 channels and text features; channels, strides
/// and x itself in whole 16 bytes.
bool takes(const GateParams& params);
cudaError_t launch_gates(const GateParams& params, cudaStream_t stream);

}  // namespace referent::kernels
