// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/cuda_machine.cuh"
#include "kernels/common/launch.cuh"
#include "kernels/conditional_linear/backward_body.h"
#include "kernels/conditional_linear/conditional_linear.h"

namespace referent::kernels {
namespace {

template <class Math, int kRank>
__global__ void __launch_bounds__(kThreads)
    low_rank_backward_kernel(const __grid_constant__ LowRankBackwardParams params) {
  extern __shared__ __align__(128) char shared[];
  CudaMachine machine(shared);
  LowRankBackward<CudaMachine, Math, kRank>(machine, params).run();
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    core_gradient_sum_kernel(const __grid_constant__ LowRankBackwardParams params) {
  CudaMachine machine(nullptr);
  CoreGradientSum<CudaMachine, T>::run(machine, params);
}

template <class Math, int kRank>
cudaError_t launch_tile(const LowRankBackwardParams& params, cudaStream_t stream) {
  using Backward = LowRankBackward<CudaMachine, Math, kRank>;
  using T = typename Math::Storage;
  const cudaError_t status = launch<LowRankBackwardParams>(
      low_rank_backward_kernel<Math, kRank>, Backward::row_map(params).tiles(),
      BackwardLayout<Math, kRank>::bytes(params.dense), params, stream);
  if (status != cudaSuccess) return status;
  return launch<LowRankBackwardParams>(core_gradient_sum_kernel<T>,
                                       CoreGradientSum<CudaMachine, T>::blocks(params), 0, params,
                                       stream);
}

}  // namespace

cudaError_t launch_low_rank_backward(const LowRankBackwardParams& params, cudaStream_t stream) {
  if (supported_path(params, compute_capability()) == Path::kUnsupported) {
    return cudaErrorNotSupported;
  }
  return with_math(params, [&](auto math) {
    using Math = decltype(math);
    return params.rank <= 32 ? launch_tile<Math, 32>(params, stream)
                             : launch_tile<Math, 64>(params, stream);
  });
}

}  // namespace referent::kernels
