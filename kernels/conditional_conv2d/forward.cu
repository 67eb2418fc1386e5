// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/cuda_machine.cuh"
#include "kernels/common/launch.cuh"
#include "kernels/conditional_conv2d/conditional_conv2d.h"
#include "kernels/conditional_conv2d/forward_body.h"

namespace referent::kernels {
namespace {

constexpr int kRank = kMaxRank;

template <class Math>
__global__ void __launch_bounds__(kThreads)
    conditional_conv2d_forward_kernel(const __grid_constant__ ConditionalConv2dParams params) {
  extern __shared__ __align__(128) char shared[];
  CudaMachine machine(shared);
  ConditionalConv2dForward<CudaMachine, Math, kRank>(machine, params).run();
}

}  // namespace

cudaError_t launch_conditional_conv2d_forward(const ConditionalConv2dParams& params,
                                              cudaStream_t stream) {
  if (supported_path(params, compute_capability()) == Path::kUnsupported) {
    return cudaErrorNotSupported;
  }
  return with_math(params, [&](auto math) {
    using Math = decltype(math);
    using Forward = ConditionalConv2dForward<CudaMachine, Math, kRank>;
    return launch<ConditionalConv2dParams>(conditional_conv2d_forward_kernel<Math>,
                                           Forward::row_map(params).tiles(),
                                           Conv2dLayout<Math, kRank>::kBytes, params, stream);
  });
}

}  // namespace referent::kernels
