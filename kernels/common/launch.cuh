// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/common/numbers.h"
#include "kernels/common/tile.h"

namespace referent::kernels {

/// Launches blocks of kThreads; does nothing for none of them. Returns the launch's status.
template <class Params>
cudaError_t launch(void (*kernel)(Params), int blocks, int shared_bytes, const Params& params,
                   cudaStream_t stream) {
  if (blocks == 0) return cudaSuccess;
  const cudaError_t status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (status != cudaSuccess) return status;
  kernel<<<blocks, kThreads, shared_bytes, stream>>>(params);
  return cudaGetLastError();
}

/// Calls visit with the Math of a problem.
template <class Params, class Visit>
cudaError_t with_math(const Params& params, Visit visit) {
  switch (params.type) {
    case DataType::kBFloat16:
      return visit(BFloat16Math{});
    case DataType::kFloat16:
      return visit(Float16Math{});
    case DataType::kFloat32:
      break;
  }
  return params.allow_tf32 ? visit(Tf32Math{}) : visit(Float32Math{});
}

/// 10 major + minor of the current device; 0 where there is none.
inline int compute_capability() {
  int device = 0, major = 0, minor = 0;
  const bool known =
      cudaGetDevice(&device) == cudaSuccess &&
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
  return known ? 10 * major + minor : 0;
}

}  // namespace referent::kernels
