// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/inference/elements.cuh"
#include "kernels/inference/inference.h"

namespace referent::kernels {
namespace {

constexpr int kThreads = 256;

/// A thread a chunk of the output.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scaled_bottleneck_kernel(const __grid_constant__ ScaledBottleneckParams params) {
  using Elements = Chunk<T>;
  const int chunks = params.rank / Elements::kCount;
  const long long index = static_cast<long long>(blockIdx.x) * kThreads + threadIdx.x;
  const long long pixel = index / (chunks + 1);
  if (pixel >= static_cast<long long>(params.batch) * params.pixels) return;
  const int chunk = static_cast<int>(index % (chunks + 1));
  Elements y;
  if (chunk == chunks) {
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) y.values[i] = from_float<T>(i == 0 ? 1.0F : 0.0F);
  } else {
    const Elements x = static_cast<const Elements*>(params.x)[pixel * chunks + chunk];
    const Elements core =
        static_cast<const Elements*>(params.core)[pixel / params.pixels * chunks + chunk];
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) {
      y.values[i] = from_float<T>(to_float(x.values[i]) * to_float(core.values[i]));
    }
  }
  static_cast<Elements*>(params.y)[index] = y;
}

long long output_chunks(const ScaledBottleneckParams& params) {
  return static_cast<long long>(params.batch) * params.pixels *
         (params.rank / Chunk<Half>::kCount + 1);
}

}  // namespace

bool takes(const ScaledBottleneckParams& params) {
  return params.type != DataType::kFloat32 && params.rank > 0 &&
         params.rank % Chunk<Half>::kCount == 0 &&
         output_chunks(params) / kThreads < std::numeric_limits<int>::max();
}

cudaError_t launch_scaled_bottleneck(const ScaledBottleneckParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  const long long chunks = output_chunks(params);
  if (chunks == 0) return cudaSuccess;
  const int blocks = static_cast<int>((chunks + kThreads - 1) / kThreads);
  if (params.type == DataType::kBFloat16) {
    scaled_bottleneck_kernel<BFloat16><<<blocks, kThreads, 0, stream>>>(params);
  } else {
    scaled_bottleneck_kernel<Half><<<blocks, kThreads, 0, stream>>>(params);
  }
  return cudaGetLastError();
}

}  // namespace referent::kernels
