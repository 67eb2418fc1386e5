// SPDX-License-Identifier: Apache-2.0
#include "kernel_types.h"

#include <algorithm>

namespace referent::ops {

bool kernels_take(std::initializer_list<torch::Tensor> tensors) {
  const torch::Tensor& first = *tensors.begin();
  const auto type = first.scalar_type();
  const bool known = type == torch::kFloat32 || type == torch::kBFloat16 ||
                     (type == torch::kFloat16 && first.is_cuda());
  return known && std::all_of(tensors.begin(), tensors.end(), [&](const torch::Tensor& tensor) {
           return !tensor.defined() ||
                  (tensor.scalar_type() == type && tensor.device() == first.device());
         });
}

}  // namespace referent::ops
