// SPDX-License-Identifier: Apache-2.0
#include "kernel_types.h"

#include <algorithm>
#include <atomic>

#include "referent/ops/onednn.h"
#include "referent/ops/own_kernels.h"

namespace referent::ops {
namespace {

std::atomic<bool> own_kernels = false;

}  // namespace

void use_own_kernels(bool use) {
  own_kernels = use;
}

bool own_kernels_used() {
  return own_kernels;
}

bool kernels_take(std::initializer_list<torch::Tensor> tensors) {
  const torch::Tensor& first = *tensors.begin();
  const auto type = first.scalar_type();
  const bool known = first.is_cpu() ? onednn_takes(type)
                                    : type == torch::kFloat32 || type == torch::kBFloat16 ||
                                          type == torch::kFloat16;
  return known && std::all_of(tensors.begin(), tensors.end(), [&](const torch::Tensor& tensor) {
           return !tensor.defined() ||
                  (tensor.scalar_type() == type && tensor.device() == first.device());
         });
}

}  // namespace referent::ops
