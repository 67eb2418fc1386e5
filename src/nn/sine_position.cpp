// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/sine_position.h"

#include <numbers>

namespace referent::nn {
namespace {

using torch::Tensor;

/// [B, H, W] of phases in 0..2 pi along `dim`, to [B, H, W, width].
Tensor encode_axis(const Tensor& valid, std::int64_t dim, const Tensor& period) {
  const Tensor count = valid.cumsum(dim, torch::kFloat32);
  const Tensor last = count.narrow(dim, count.size(dim) - 1, 1);
  const Tensor phase = count / (last + 1e-6) * (2 * std::numbers::pi);
  const Tensor angle = phase.unsqueeze(-1) / period;  // [B, H, W, width]
  const Tensor sine = angle.slice(-1, 0, std::nullopt, 2).sin();
  const Tensor cosine = angle.slice(-1, 1, std::nullopt, 2).cos();
  return torch::stack({sine, cosine}, -1).flatten(-2);
}

}  // namespace

Tensor sine_position(const Tensor& padding, std::int64_t width) {
  const Tensor valid = padding.logical_not().to(torch::kFloat32);
  const std::int64_t half = width / 2;
  const Tensor index = torch::arange(half, valid.options());
  const Tensor period = torch::pow(10000.0, 2 * torch::floor(index / 2) / half);
  return torch::cat({encode_axis(valid, 1, period), encode_axis(valid, 2, period)}, -1)
      .flatten(1, 2);
}

}  // namespace referent::nn
