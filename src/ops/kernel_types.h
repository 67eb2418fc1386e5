// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <initializer_list>

namespace referent::ops {

/// Whether an op's kernels take these arguments (undefined ones are absent): all of one type, which
/// is float32 or bfloat16, on a GPU float16 too. Everything else, double above all, is left to the
/// composition of ATen's operators, gradients included.
bool kernels_take(std::initializer_list<torch::Tensor> tensors);

/// The absent argument of a schema as LibTorch's functions want it: undefined.
inline torch::Tensor value_or_undefined(const std::optional<torch::Tensor>& tensor) {
  return tensor.value_or(torch::Tensor());
}

/// The other way round.
inline std::optional<torch::Tensor> optional_of(const torch::Tensor& tensor) {
  return tensor.defined() ? std::optional<torch::Tensor>(tensor) : std::nullopt;
}

}  // namespace referent::ops
