// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/inference.h"

#include "kernels/common/cuda_machine.cuh"
#include "kernels/inference/add_layer_norm_body.h"
#include "kernels/inference/blocks_body.h"
#include "kernels/inference/gates_body.h"
#include "kernels/inference/max_pool_body.h"
#include "kernels/inference/relative_features_body.h"
#include "kernels/inference/scaled_bottleneck_body.h"

namespace referent::kernels {
namespace {

template <class Body, class Params>
__global__ void __launch_bounds__(Body::kThreads) kernel(const __grid_constant__ Params params) {
  CudaMachine machine(nullptr);
  Body{machine, params}.run();
}

template <class T>
__global__ void __launch_bounds__(Gates<CudaMachine, T>::kThreads)
    gates_kernel(const __grid_constant__ GateParams params) {
  __shared__ __align__(16) char shared[Gates<CudaMachine, T>::kSharedBytes];
  CudaMachine machine(shared);
  Gates<CudaMachine, T>{machine, params}.run(static_cast<int>(blockIdx.x),
                                             static_cast<int>(blockIdx.y));
}

template <class T>
__global__ void __launch_bounds__(RelativeFeatures<CudaMachine, T>::kThreads)
    relative_features_kernel(const __grid_constant__ RelativeFeaturesParams params) {
  CudaMachine machine(nullptr);
  RelativeFeatures<CudaMachine, T>(machine, params)
      .run(static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y),
           static_cast<int>(blockIdx.x));
}

/// Calls visit with an element of a 16-bit type.
template <class Visit>
cudaError_t with_half(DataType type, Visit visit) {
  return type == DataType::kBFloat16 ? visit(BFloat16{}) : visit(Half{});
}

/// The same, or of float32.
template <class Visit>
cudaError_t with_element(DataType type, Visit visit) {
  return type == DataType::kFloat32 ? visit(float{}) : with_half(type, visit);
}

template <class Body, class Params>
cudaError_t launch_blocks_of(const Params& params, long long blocks, cudaStream_t stream) {
  if (blocks == 0) return cudaSuccess;
  kernel<Body><<<static_cast<unsigned>(blocks), Body::kThreads, 0, stream>>>(params);
  return cudaGetLastError();
}

/// Of a body whose every thread makes an output of its own.
template <class Body, class Params>
cudaError_t launch_outputs_of(const Params& params, cudaStream_t stream) {
  const long long blocks = (Body::outputs(params) + Body::kThreads - 1) / Body::kThreads;
  return launch_blocks_of<Body>(params, blocks, stream);
}

template <class T, int kChunks>
cudaError_t launch_rows(const AddLayerNormParams& params, cudaStream_t stream) {
  using Body = AddLayerNorm<CudaMachine, T, kChunks>;
  return launch_blocks_of<Body>(params, Body::blocks(params), stream);
}

}  // namespace

cudaError_t launch_add_layer_norm(const AddLayerNormParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  return with_half(params.type, [&](auto element) {
    using T = decltype(element);
    switch (params.width) {
      case AddLayerNorm<CudaMachine, T, 1>::kWidth:
        return launch_rows<T, 1>(params, stream);
      case AddLayerNorm<CudaMachine, T, 2>::kWidth:
        return launch_rows<T, 2>(params, stream);
      case AddLayerNorm<CudaMachine, T, 3>::kWidth:
        return launch_rows<T, 3>(params, stream);
      default:
        return launch_rows<T, 4>(params, stream);
    }
  });
}

cudaError_t launch_max_pool(const MaxPoolParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  return with_element(params.type, [&](auto element) {
    return launch_outputs_of<MaxPool<CudaMachine, decltype(element)>>(params, stream);
  });
}

cudaError_t launch_gates(const GateParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  if (params.batch == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(params.batch), static_cast<unsigned>(params.gates));
  return with_element(params.type, [&](auto element) {
    using T = decltype(element);
    gates_kernel<T><<<grid, Gates<CudaMachine, T>::kThreads, 0, stream>>>(params);
    return cudaGetLastError();
  });
}

cudaError_t launch_blocks(const BlocksParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  return with_half(params.type, [&](auto element) {
    return launch_outputs_of<Blocks<CudaMachine, decltype(element)>>(params, stream);
  });
}

cudaError_t launch_scaled_bottleneck(const ScaledBottleneckParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  return with_half(params.type, [&](auto element) {
    return launch_outputs_of<ScaledBottleneck<CudaMachine, decltype(element)>>(params, stream);
  });
}

cudaError_t launch_relative_features(const RelativeFeaturesParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  const int windows = params.height / params.side * (params.width / params.side);
  if (params.batch == 0 || windows == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(params.side * params.side), static_cast<unsigned>(windows),
                  static_cast<unsigned>(params.batch));
  return with_half(params.type, [&](auto element) {
    using T = decltype(element);
    relative_features_kernel<T>
        <<<grid, RelativeFeatures<CudaMachine, T>::kThreads, 0, stream>>>(params);
    return cudaGetLastError();
  });
}

}  // namespace referent::kernels
