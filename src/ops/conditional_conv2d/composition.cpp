// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::convolution {
namespace {

bool is_odd_kernel(const Tensor& weight) {
  return weight.dim() == 4 && weight.size(2) % 2 == 1 && weight.size(3) % 2 == 1;
}

Tensor same_convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  return at::conv2d(x, weight, bias, /*stride=*/1, {weight.size(2) / 2, weight.size(3) / 2});
}

}  // namespace

void check_shapes(const Tensor& x, const Tensor& down_weight,
                  const std::optional<Tensor>& down_bias, const Tensor& core,
                  const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                  const std::optional<Tensor>& residual) {
  TORCH_CHECK(x.dim() == 4 && is_odd_kernel(down_weight) && is_odd_kernel(up_weight) &&
                  down_weight.size(1) == x.size(1) && up_weight.size(1) == down_weight.size(0),
              "conditional_conv2d: expected x [B, C, H, W], down_weight [r, C, k, k] and up_weight "
              "[Cout, r, k, k] with odd k, got ",
              x.sizes(), ", ", down_weight.sizes(), " and ", up_weight.sizes());
  TORCH_CHECK(core.dim() == 2 && core.size(0) == x.size(0) && core.size(1) == up_weight.size(1),
              "conditional_conv2d: expected core [", x.size(0), ", ", up_weight.size(1), "], got ",
              core.sizes());
  const auto check_bias = [](const char* name, const std::optional<Tensor>& bias,
                             const Tensor& weight) {
    TORCH_CHECK(!bias.has_value() || (bias->dim() == 1 && bias->size(0) == weight.size(0)),
                "conditional_conv2d: expected ", name, " [", weight.size(0), "], got ",
                bias->sizes());
  };
  check_bias("down_bias", down_bias, down_weight);
  check_bias("up_bias", up_bias, up_weight);
  const std::array<std::int64_t, 4> y{x.size(0), up_weight.size(0), x.size(2), x.size(3)};
  TORCH_CHECK(!residual.has_value() || residual->sizes() == at::IntArrayRef(y),
              "conditional_conv2d: expected residual ", at::IntArrayRef(y), ", got ",
              residual->sizes());
}

Tensor composition(const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const std::optional<Tensor>& residual) {
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, residual);
  const Tensor bottleneck = same_convolution(x, down_weight, down_bias);  // [B, r, H, W]
  const Tensor y =
      same_convolution(bottleneck * core.unsqueeze(-1).unsqueeze(-1), up_weight, up_bias);
  return residual.has_value() ? *residual + y : y;
}

namespace {

/// A traced model consists of ATen's operators, so that any LibTorch runs it.
TORCH_LIBRARY_IMPL(referent, Tracer, m) {
  m.impl("conditional_conv2d", &composition);
}

}  // namespace

}  // namespace referent::ops::convolution
