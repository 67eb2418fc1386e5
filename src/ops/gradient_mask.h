// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/types.h>

#include <array>
#include <vector>

namespace referent::ops {

/// Which inputs want a gradient, as a context of autograd keeps it; undefined ones do not.
inline std::vector<bool> wanted_gradients(const std::vector<torch::Tensor>& inputs) {
  std::vector<bool> wanted;
  wanted.reserve(inputs.size());
  for (const torch::Tensor& input : inputs) {
    wanted.push_back(input.defined() && input.requires_grad());
  }
  return wanted;
}

/// What a context kept, as the schema of a backward op takes it.
template <std::size_t n>
std::array<bool, n> as_mask(const c10::IValue& kept) {
  std::array<bool, n> mask{};
  const auto wanted = kept.toBoolList();
  for (std::size_t i = 0; i < n; ++i) mask[i] = wanted[i];
  return mask;
}

}  // namespace referent::ops
