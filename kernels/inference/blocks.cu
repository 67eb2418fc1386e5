// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/inference/elements.cuh"
#include "kernels/inference/inference.h"

namespace referent::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kColours = 3;

/// A thread a block of pixels: two chunks.
template <class T>
__global__ void __launch_bounds__(kThreads)
    blocks_kernel(const __grid_constant__ BlocksParams params) {
  const long long index = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= static_cast<long long>(params.batch) * params.rows * params.columns) return;
  const int u = static_cast<int>(index % params.columns);
  const long long line = index / params.columns;
  const int v = static_cast<int>(line % params.rows);
  const T* x = static_cast<const T*>(params.x) +
               line / params.rows * params.height * params.width * kColours;
  const T zero = from_float<T>(0.0F);
  Chunk<T> chunks[2];
#pragma unroll
  for (int k = 0; k < 16; ++k) {
    const int row = 2 * v + k / 2 % 2 - params.before;
    const int column = 2 * u + k % 2 - params.before;
    const bool inside =
        k / 4 < kColours && row >= 0 && row < params.height && column >= 0 && column < params.width;
    chunks[k / 8].values[k % 8] =
        inside ? x[(static_cast<long long>(row) * params.width + column) * kColours + k / 4] : zero;
  }
  Chunk<T>* y = static_cast<Chunk<T>*>(params.y) + 2 * index;
  y[0] = chunks[0];
  y[1] = chunks[1];
}

}  // namespace

bool takes(const BlocksParams& params) {
  const long long blocks = static_cast<long long>(params.batch) * params.rows * params.columns;
  return params.type != DataType::kFloat32 && blocks / kThreads < std::numeric_limits<int>::max();
}

cudaError_t launch_blocks(const BlocksParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  const long long count = static_cast<long long>(params.batch) * params.rows * params.columns;
  if (count == 0) return cudaSuccess;
  const int blocks = static_cast<int>((count + kThreads - 1) / kThreads);
  if (params.type == DataType::kBFloat16) {
    blocks_kernel<BFloat16><<<blocks, kThreads, 0, stream>>>(params);
  } else {
    blocks_kernel<Half><<<blocks, kThreads, 0, stream>>>(params);
  }
  return cudaGetLastError();
}

}  // namespace referent::kernels
