// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/inference/elements.cuh"
#include "kernels/inference/inference.h"

namespace referent::kernels {
namespace {

constexpr int kThreads = 256;

/// A thread a chunk of channels of one output.
template <class T>
__global__ void __launch_bounds__(kThreads)
    max_pool_kernel(const __grid_constant__ MaxPoolParams params) {
  using Elements = Chunk<T>;
  const int height = (params.height + 1) / 2;
  const int width = (params.width + 1) / 2;
  const int chunks = params.channels / Elements::kCount;
  const long long index = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= static_cast<long long>(params.batch) * height * width * chunks) return;
  const int chunk = static_cast<int>(index % chunks);
  const long long pixel = index / chunks;
  const int column = static_cast<int>(pixel % width);
  const long long line = pixel / width;
  const int row = static_cast<int>(line % height);
  const long long sample = line / height;
  const auto* x = static_cast<const Elements*>(params.x) +
                  sample * params.height * params.width * chunks + chunk;
  float best[Elements::kCount];
#pragma unroll
  for (int i = 0; i < Elements::kCount; ++i) best[i] = -INFINITY;
#pragma unroll
  for (int dy = -1; dy <= 1; ++dy) {
    const int v = 2 * row + dy;
    if (v < 0 || v >= params.height) continue;
#pragma unroll
    for (int dx = -1; dx <= 1; ++dx) {
      const int u = 2 * column + dx;
      if (u < 0 || u >= params.width) continue;
      const Elements values = x[(static_cast<long long>(v) * params.width + u) * chunks];
#pragma unroll
      for (int i = 0; i < Elements::kCount; ++i) {
        const float value = to_float(values.values[i]);
        if (!(value <= best[i])) best[i] = value;
      }
    }
  }
  Elements y;
#pragma unroll
  for (int i = 0; i < Elements::kCount; ++i) y.values[i] = from_float<T>(best[i]);
  static_cast<Elements*>(params.y)[index] = y;
}

int chunk_elements(DataType type) {
  return type == DataType::kFloat32 ? Chunk<float>::kCount : Chunk<Half>::kCount;
}

}  // namespace

bool takes(const MaxPoolParams& params) {
  const long long outputs = static_cast<long long>(params.batch) * ((params.height + 1) / 2) *
                            ((params.width + 1) / 2) * params.channels;
  return params.channels % chunk_elements(params.type) == 0 &&
         outputs / kThreads < std::numeric_limits<int>::max();
}

cudaError_t launch_max_pool(const MaxPoolParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  const long long outputs = static_cast<long long>(params.batch) * ((params.height + 1) / 2) *
                            ((params.width + 1) / 2) * params.channels /
                            chunk_elements(params.type);
  if (outputs == 0) return cudaSuccess;
  const int blocks = static_cast<int>((outputs + kThreads - 1) / kThreads);
  return with_element(params.type, [&](auto element) {
    max_pool_kernel<decltype(element)><<<blocks, kThreads, 0, stream>>>(params);
    return cudaGetLastError();
  });
}

}  // namespace referent::kernels
