// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "../kernel_types.h"
#include "kernels.h"
#include "referent/ops/onednn.h"

namespace referent::ops::linear {
namespace {

/// x W^T + bias [B, N, M], in memory of its own.
Tensor base(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  const std::array<std::int64_t, 3> shape{x.size(0), x.size(1), weight.size(0)};
  if (bias.has_value() && bias->dim() != 1) {
    const Tensor y = bias->expand(shape).clone(at::MemoryFormat::Contiguous);
    rows(y).addmm_(rows(x), weight.t());
    return y;
  }
  return onednn_linear(rows(x), weight, bias).view(shape);
}

Tensor with_factors(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                    const Tensor& q, const Tensor& up, const std::optional<Tensor>& z) {
  Tensor y = base(x, weight, bias);
  const Tensor h = rows(z.value_or(x)).mm(q).view({x.size(0), x.size(1), q.size(1)});
  return y.baddbmm_(h, up.transpose(1, 2));
}

/// One sample after the other: the same memory holds every W_b, and each is read while still in the
/// cache.
Tensor with_own_weights(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                        const Tensor& q, const Tensor& up) {
  const Tensor y = at::empty({x.size(0), x.size(1), weight.size(0)}, x.options());
  const Tensor offset = bias.has_value() ? bias->expand(y.sizes()) : Tensor();
  Tensor own = at::empty(weight.sizes(), weight.options());
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    at::addmm_out(own, weight, up[b], q.t());
    Tensor y_b = y[b];
    if (offset.defined()) {
      at::addmm_out(y_b, offset[b], x[b], own.t());
    } else {
      at::mm_out(y_b, x[b], own.t());
    }
  }
  return y;
}

}  // namespace

Tensor cpu_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input) {
  if (!kernels_take(
          {x, weight, value_or_undefined(bias), q, p, core, value_or_undefined(low_rank_input)})) {
    return composition(x, weight, bias, q, p, core, low_rank_input);
  }
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
  if (x.size(0) == 0 || x.size(1) == 0) {
    return at::empty({x.size(0), x.size(1), weight.size(0)}, x.options());
  }
  const Tensor up = up_with_core(p, core);
  return materialising_pays(x, weight, low_rank_input)
             ? with_own_weights(x, weight, bias, q, up)
             : with_factors(x, weight, bias, q, up, low_rank_input);
}

namespace {

TORCH_LIBRARY_IMPL(referent, CPU, m) {
  m.impl("conditional_linear", &cpu_forward);
  m.impl("conditional_linear_backward", &backward);
}

}  // namespace
}  // namespace referent::ops::linear
