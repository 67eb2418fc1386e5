// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/cuda_machine.cuh"
#include "kernels/common/launch.cuh"
#include "kernels/conditional_linear/conditional_linear.h"
#include "kernels/conditional_linear/forward_body.h"
#include "kernels/hopper/launch.h"

namespace referent::kernels {
namespace {

template <class Math, int kRank>
__global__ void __launch_bounds__(kThreads)
    conditional_linear_forward_kernel(const __grid_constant__ ConditionalLinearParams params) {
  extern __shared__ __align__(128) char shared[];
  CudaMachine machine(shared);
  ConditionalLinearForward<CudaMachine, Math, kRank>(machine, params).run();
}

template <class Math, int kRank>
cudaError_t launch_tile(const ConditionalLinearParams& params, cudaStream_t stream) {
  return launch<ConditionalLinearParams>(
      conditional_linear_forward_kernel<Math, kRank>,
      ConditionalLinearForward<CudaMachine, Math, kRank>::blocks(params),
      LinearLayout<Math, kRank>::bytes(params.dense), params, stream);
}

}  // namespace

cudaError_t launch_conditional_linear_forward(const ConditionalLinearParams& params,
                                              cudaStream_t stream) {
  const Path path = supported_path(params, compute_capability());
  if (path == Path::kUnsupported) return cudaErrorNotSupported;
  if (params.batch == 0 || params.tokens == 0 || params.outputs == 0) return cudaSuccess;
#if defined(REFERENT_HOPPER_KERNELS)
  if (path == Path::kHopper) return hopper::launch_conditional_linear_forward(params, stream);
#endif
  return with_math(params, [&](auto math) {
    using Math = decltype(math);
    if constexpr (Math::kParts == 1) {
      if (params.rank > 32) return launch_tile<Math, 64>(params, stream);
    }
    return launch_tile<Math, 32>(params, stream);
  });
}

}  // namespace referent::kernels
