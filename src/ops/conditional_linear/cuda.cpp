// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "../kernel_types.h"
#include "fused.h"
#include "kernels.h"

namespace referent::ops::linear {

Tensor cuda_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                    const Tensor& q, const Tensor& p, const Tensor& core,
                    const std::optional<Tensor>& low_rank_input) {
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
#ifdef REFERENT_FUSED_OPS
  if (auto y = fused_forward(x, weight, bias, q, p, core, low_rank_input)) return *y;
#endif
  const std::array<std::int64_t, 3> shape{x.size(0), x.size(1), weight.size(0)};
  const Tensor up_t = up_with_core(p, core).transpose(1, 2);  // [B, r, M]
  if (materialising_pays(x, weight, low_rank_input)) {
    const std::array<std::int64_t, 3> weights{x.size(0), weight.size(1), weight.size(0)};
    const Tensor own =
        at::baddbmm(weight.t().expand(weights), q.expand({x.size(0), q.size(0), q.size(1)}), up_t);
    return bias.has_value() ? at::baddbmm(bias->expand(shape), x, own) : at::bmm(x, own);
  }
  const bool of_rows = !bias.has_value() || bias->dim() == 1;
  Tensor y = at::linear(x, weight, of_rows ? bias : std::nullopt);
  if (!of_rows) y.add_(*bias);
  return y.baddbmm_(at::matmul(low_rank_input.value_or(x), q), up_t);
}

namespace {

Tensor cuda_kernel(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input) {
  const bool taken = kernels_take(
      {x, weight, value_or_undefined(bias), q, p, core, value_or_undefined(low_rank_input)});
  return taken ? cuda_forward(x, weight, bias, q, p, core, low_rank_input)
               : composition(x, weight, bias, q, p, core, low_rank_input);
}

Gradients cuda_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                        const Tensor& core, const std::optional<Tensor>& low_rank_input,
                        GradientMask wanted) {
  BottleneckStep step = nullptr;
#ifdef REFERENT_FUSED_OPS
  if (kernels_take({grad, p, q, core})) step = &fused_bottleneck;
#endif
  return backward_with(step, grad, x, weight, bias, q, p, core, low_rank_input, wanted);
}

TORCH_LIBRARY_IMPL(referent, CUDA, m) {
  m.impl("conditional_linear", &cuda_kernel);
  m.impl("conditional_linear_backward", &cuda_backward);
}

}  // namespace
}  // namespace referent::ops::linear
