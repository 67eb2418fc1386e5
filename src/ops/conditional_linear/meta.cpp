// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::linear {
namespace {

Tensor meta_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                    const Tensor& q, const Tensor& p, const Tensor& core,
                    const std::optional<Tensor>& low_rank_input) {
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
  return at::empty({x.size(0), x.size(1), weight.size(0)}, x.options());
}

Gradients meta_backward(const Tensor& /*grad*/, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                        const Tensor& core, const std::optional<Tensor>& low_rank_input,
                        GradientMask wanted) {
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
  const auto like = [&](std::size_t i, const std::optional<Tensor>& t) {
    return wanted[i] && t.has_value() ? at::empty(t->sizes(), t->options()) : Tensor();
  };
  return {like(0, x), like(1, weight), like(2, bias),          like(3, q),
          like(4, p), like(5, core),   like(6, low_rank_input)};
}

TORCH_LIBRARY_IMPL(referent, Meta, m) {
  m.impl("conditional_linear", &meta_forward);
  m.impl("conditional_linear_backward", &meta_backward);
}

}  // namespace
}  // namespace referent::ops::linear
