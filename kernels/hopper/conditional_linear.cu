// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include "kernels/hopper/hopper_machine.cuh"
#include "kernels/hopper/launch.h"
#include "kernels/hopper/linear_body.h"

namespace referent::kernels::hopper {
namespace {

struct KernelParams {
  CUtensorMap maps[kOperands];
  ConditionalLinearParams problem;
};

template <class Math, int kRank>
__global__ void __launch_bounds__(kThreads, 1)
    hopper_conditional_linear_forward_kernel(const __grid_constant__ KernelParams params) {
  extern __shared__ __align__(kTileAlignment) char shared[];
  HopperMachine machine(shared, params.maps);
  ConditionalLinearForward<HopperMachine, Math, kRank>(machine, params.problem).run();
}

using Encode = decltype(&cuTensorMapEncodeTiled);

/// The driver's function, without linking the driver.
Encode find_encode() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found;
  const cudaError_t status = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function,
                                                              12000, cudaEnableDefault, &found);
  const bool usable = status == cudaSuccess && found == cudaDriverEntryPointSuccess;
  return usable ? reinterpret_cast<Encode>(function) : nullptr;
}

cudaError_t encode(const TileMap& map, DataType type, CUtensorMap& encoded) {
  static const Encode function = find_encode();
  if (function == nullptr) return cudaErrorNotSupported;
  const cuuint64_t sizes[3] = {static_cast<cuuint64_t>(map.sizes[0]),
                               static_cast<cuuint64_t>(map.sizes[1]),
                               static_cast<cuuint64_t>(map.sizes[2])};
  const cuuint64_t strides[2] = {static_cast<cuuint64_t>(map.strides[0]) * 2,
                                 static_cast<cuuint64_t>(map.strides[1]) * 2};
  const cuuint32_t box[3] = {static_cast<cuuint32_t>(map.box[0]),
                             static_cast<cuuint32_t>(map.box[1]),
                             static_cast<cuuint32_t>(map.box[2])};
  const cuuint32_t steps[3] = {1, 1, 1};
  const CUresult result =
      function(&encoded,
               type == DataType::kBFloat16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                           : CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
               3, const_cast<void*>(map.data), sizes, strides, box, steps,
               CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
               CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

template <class Math, int kRank>
cudaError_t launch_tile(const ConditionalLinearParams& problem, cudaStream_t stream) {
  KernelParams params;
  params.problem = problem;
  for (int i = 0; i < kOperands; ++i) {
    const TileMap map = tile_map(problem, static_cast<Operand>(i), kRank);
    const cudaError_t status = encode(map, problem.type, params.maps[i]);
    if (status != cudaSuccess) return status;
  }
  const auto kernel = hopper_conditional_linear_forward_kernel<Math, kRank>;
  constexpr int kBytes = LinearLayout<kRank>::kBytes;
  const cudaError_t status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  if (status != cudaSuccess) return status;
  kernel<<<blocks(problem), kThreads, kBytes, stream>>>(params);
  return cudaGetLastError();
}

template <class Math>
cudaError_t launch_math(const ConditionalLinearParams& params, cudaStream_t stream) {
  return params.rank <= 32 ? launch_tile<Math, 32>(params, stream)
                           : launch_tile<Math, 64>(params, stream);
}

}  // namespace

cudaError_t launch_conditional_linear_forward(const ConditionalLinearParams& params,
                                              cudaStream_t stream) {
  return params.type == DataType::kBFloat16 ? launch_math<BFloat16Math>(params, stream)
                                            : launch_math<Float16Math>(params, stream);
}

}  // namespace referent::kernels::hopper
