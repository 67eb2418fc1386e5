// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::convolution {
namespace {

Forward meta_forward(const Tensor& x, const Tensor& down_weight,
                     const std::optional<Tensor>& down_bias, const Tensor& core,
                     const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                     const std::optional<Tensor>& residual) {
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, residual);
  const auto map = [&](std::int64_t channels) {
    return at::empty({x.size(0), channels, x.size(2), x.size(3)},
                     x.options().memory_format(x.suggest_memory_format()));
  };
  return {map(up_weight.size(0)), map(down_weight.size(0))};
}

Tensor meta_output(const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const std::optional<Tensor>& residual) {
  return std::get<0>(meta_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual));
}

Gradients meta_backward(const Tensor& /*grad*/, const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const Tensor& /*bottleneck*/, GradientMask wanted) {
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, /*residual=*/std::nullopt);
  const auto like = [&](std::size_t i, const std::optional<Tensor>& t) {
    return wanted[i] && t.has_value() ? at::empty_like(*t) : Tensor();
  };
  return {like(0, x),    like(1, down_weight), like(2, down_bias),
          like(3, core), like(4, up_weight),   like(5, up_bias)};
}

TORCH_LIBRARY_IMPL(referent, Meta, m) {
  m.impl("conditional_conv2d", &meta_output);
  m.impl("_conditional_conv2d", &meta_forward);
  m.impl("conditional_conv2d_backward", &meta_backward);
}

}  // namespace
}  // namespace referent::ops::convolution
