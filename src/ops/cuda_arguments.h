// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>

#include <limits>

#include "kernels/conditional_linear/params.h"

/// From tensors to the params of kernels/. Only what is compiled with CUDA's headers includes this.
namespace referent::ops {

inline kernels::DataType kernel_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kBFloat16:
      return kernels::DataType::kBFloat16;
    case at::kHalf:
      return kernels::DataType::kFloat16;
    default:
      return kernels::DataType::kFloat32;
  }
}

inline bool allows_tf32() {
  return at::globalContext().allowTF32CuBLAS();
}

/// 10 major + minor.
inline int compute_capability() {
  const cudaDeviceProp* device = at::cuda::getCurrentDeviceProperties();
  return 10 * device->major + device->minor;
}

/// Sizes are counted in int by the kernels; a larger one is no problem of theirs.
template <class... Sizes>
bool fit_int(Sizes... sizes) {
  return ((sizes <= std::numeric_limits<int>::max()) && ...);
}

/// The same values with a contiguous last dimension.
inline at::Tensor with_contiguous_rows(const at::Tensor& tensor) {
  return tensor.stride(-1) == 1 || tensor.size(-1) <= 1 ? tensor : tensor.contiguous();
}

/// A tensor [B, N, length] with contiguous rows.
inline kernels::Rows kernel_rows(const at::Tensor& tensor) {
  return {tensor.const_data_ptr(), tensor.stride(0), tensor.stride(1)};
}

}  // namespace referent::ops
