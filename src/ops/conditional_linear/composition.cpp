// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::linear {

void check_shapes(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                  const Tensor& q, const Tensor& p, const Tensor& core,
                  const std::optional<Tensor>& low_rank_input) {
  const Tensor& z = low_rank_input.has_value() ? *low_rank_input : x;
  TORCH_CHECK(x.dim() == 3 && weight.dim() == 2 && x.size(2) == weight.size(1),
              "conditional_linear: expected x [B, N, K] and weight [M, K], got ", x.sizes(),
              " and ", weight.sizes());
  TORCH_CHECK(z.dim() == 3 && z.size(0) == x.size(0) && z.size(1) == x.size(1) && q.dim() == 2 &&
                  q.size(0) == z.size(2),
              "conditional_linear: expected low_rank_input [", x.size(0), ", ", x.size(1),
              ", Kz] and q [Kz, r], got ", z.sizes(), " and ", q.sizes());
  TORCH_CHECK(p.dim() == 2 && p.size(0) == weight.size(0) && p.size(1) == q.size(1),
              "conditional_linear: expected p [", weight.size(0), ", ", q.size(1), "], got ",
              p.sizes());
  TORCH_CHECK((core.dim() == 2 || (core.dim() == 3 && core.size(2) == q.size(1))) &&
                  core.size(0) == x.size(0) && core.size(1) == q.size(1),
              "conditional_linear: expected core [", x.size(0), ", ", q.size(1), "] or [",
              x.size(0), ", ", q.size(1), ", ", q.size(1), "], got ", core.sizes());
  if (!bias.has_value()) return;
  const std::array<std::int64_t, 3> y{x.size(0), x.size(1), weight.size(0)};
  TORCH_CHECK(at::is_expandable_to(bias->sizes(), y),
              "conditional_linear: expected a bias that broadcasts to ", at::IntArrayRef(y),
              ", got ", bias->sizes());
}

Tensor composition(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input) {
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
  const Tensor bottleneck = at::matmul(low_rank_input.value_or(x), q);  // [B, N, r]
  const Tensor scaled = core.dim() == 2 ? bottleneck * core.unsqueeze(1) : bottleneck.bmm(core);
  const Tensor update = at::matmul(scaled, p.t());  // [B, N, M]
  if (bias.has_value() && bias->dim() != 1) return at::linear(x, weight) + *bias + update;
  return at::linear(x, weight, bias) + update;
}

namespace {

/// A traced model consists of ATen's operators, so that any LibTorch runs it.
TORCH_LIBRARY_IMPL(referent, Tracer, m) {
  m.impl("conditional_linear", &composition);
}

}  // namespace

}  // namespace referent::ops::linear
