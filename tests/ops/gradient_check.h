// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>

namespace referent::ops {

/// The gradient of sum(upstream * function()) to `input` by central differences, with which no
/// derivative of ours has anything to do. `function` reads `input`, float64, whose elements are
/// moved in place and put back.
inline torch::Tensor numeric_gradient(const std::function<torch::Tensor()>& function,
                                      const torch::Tensor& input, const torch::Tensor& upstream) {
  const torch::NoGradGuard guard;
  constexpr double kStep = 1e-5;
  const torch::Tensor gradient = torch::empty_like(input, at::MemoryFormat::Contiguous);
  const torch::Tensor values = input.view({-1});
  const auto objective = [&] { return (function() * upstream).sum().item<double>(); };
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    torch::Tensor element = values[i];
    const double kept = element.item<double>();
    element.fill_(kept + kStep);
    const double above = objective();
    element.fill_(kept - kStep);
    const double below = objective();
    element.fill_(kept);
    gradient.view({-1})[i] = (above - below) / (2 * kStep);
  }
  return gradient;
}

/// Largest absolute difference over the largest absolute value of what is expected.
inline double relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  if (expected.numel() == 0) return 0;
  const torch::Tensor reference = expected.to(torch::kCPU, torch::kFloat64);
  const double scale = std::max(reference.abs().max().item<double>(), 1e-30);
  return (got.to(torch::kCPU, torch::kFloat64) - reference).abs().max().item<double>() / scale;
}

}  // namespace referent::ops
