// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/elements.cuh"
#include "kernels/inference/inference.h"

namespace referent::kernels {
namespace {

constexpr int kWarps = 4;
constexpr int kLanes = 32;
constexpr int kChunkWidth = 8 * kLanes;  ///< of a row, in one chunk of 16-bit numbers a lane

/// A warp a row, which it keeps in registers: one pass over memory.
template <class T, int kChunks>
__global__ void __launch_bounds__(kWarps* kLanes)
    add_layer_norm_kernel(const __grid_constant__ AddLayerNormParams params) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int row = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / kLanes;
  if (row >= params.rows) return;
  using Elements = Chunk<T>;
  const long long first = static_cast<long long>(row) * kChunks * kLanes + lane;
  const auto* a = static_cast<const Elements*>(params.a) + first;
  const auto* b = static_cast<const Elements*>(params.b) + first;
  float x[kChunks][Elements::kCount];
  float total = 0;
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    const Elements left = a[c * kLanes];
    const Elements right = b[c * kLanes];
    Elements sum;
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) {
      // What is normalised is the sum as it is kept.
      sum.values[i] = from_float<T>(to_float(left.values[i]) + to_float(right.values[i]));
      x[c][i] = to_float(sum.values[i]);
      total += x[c][i];
    }
    if (params.sum != nullptr) static_cast<Elements*>(params.sum)[first + c * kLanes] = sum;
  }
  constexpr float kWidth = kChunks * kChunkWidth;
  const float mean = warp_sum(total) / kWidth;
  float squares = 0;
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) squares += (x[c][i] - mean) * (x[c][i] - mean);
  }
  const float scale = rsqrtf(warp_sum(squares) / kWidth + params.epsilon);
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    const Elements weight = static_cast<const Elements*>(params.weight)[c * kLanes + lane];
    const Elements bias = static_cast<const Elements*>(params.bias)[c * kLanes + lane];
    Elements y;
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) {
      y.values[i] = from_float<T>((x[c][i] - mean) * scale * to_float(weight.values[i]) +
                                  to_float(bias.values[i]));
    }
    static_cast<Elements*>(params.y)[first + c * kLanes] = y;
  }
}

template <class T>
cudaError_t launch(const AddLayerNormParams& params, cudaStream_t stream) {
  const int blocks = (params.rows + kWarps - 1) / kWarps;
  switch (params.width / kChunkWidth) {
    case 1:
      add_layer_norm_kernel<T, 1><<<blocks, kWarps * kLanes, 0, stream>>>(params);
      break;
    case 2:
      add_layer_norm_kernel<T, 2><<<blocks, kWarps * kLanes, 0, stream>>>(params);
      break;
    case 3:
      add_layer_norm_kernel<T, 3><<<blocks, kWarps * kLanes, 0, stream>>>(params);
      break;
    default:
      add_layer_norm_kernel<T, 4><<<blocks, kWarps * kLanes, 0, stream>>>(params);
      break;
  }
  return cudaGetLastError();
}

}  // namespace

bool takes(const AddLayerNormParams& params) {
  return params.type != DataType::kFloat32 && params.width > 0 && params.width % kChunkWidth == 0 &&
         params.width <= 4 * kChunkWidth;
}

cudaError_t launch_add_layer_norm(const AddLayerNormParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  if (params.rows == 0) return cudaSuccess;
  return params.type == DataType::kBFloat16 ? launch<BFloat16>(params, stream)
                                            : launch<Half>(params, stream);
}

}  // namespace referent::kernels
