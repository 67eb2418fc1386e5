// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/inference.h"
#include "kernels/inference/relative_features_body.h"

namespace referent::kernels {
namespace {

constexpr int kThreads = 256;

/// A block a cell of a window.
template <class T>
__global__ void __launch_bounds__(kThreads)
    relative_features_kernel(const __grid_constant__ RelativeFeaturesParams params) {
  const RelativeFeatures<T> features(params);
  const int pieces = features.pieces();
  for (int piece = static_cast<int>(threadIdx.x); piece < pieces; piece += kThreads) {
    features.write(static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y),
                   static_cast<int>(blockIdx.x), piece);
  }
}

}  // namespace

cudaError_t launch_relative_features(const RelativeFeaturesParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  const int windows = params.height / params.side * (params.width / params.side);
  if (params.batch == 0 || windows == 0) return cudaSuccess;
  const dim3 blocks(static_cast<unsigned>(params.side * params.side),
                    static_cast<unsigned>(windows), static_cast<unsigned>(params.batch));
  if (params.type == DataType::kBFloat16) {
    relative_features_kernel<BFloat16><<<blocks, kThreads, 0, stream>>>(params);
  } else {
    relative_features_kernel<Half><<<blocks, kThreads, 0, stream>>>(params);
  }
  return cudaGetLastError();
}

}  // namespace referent::kernels
