// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_linear.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace referent::ops {
namespace {

using torch::Tensor;

void check_shapes(const Tensor& x, const Tensor& weight, const Tensor& q, const Tensor& p,
                  const Tensor& core, const Tensor& z) {
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
}

Tensor composition(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Tensor& q, const Tensor& p, const Tensor& core,
                   const std::optional<Tensor>& low_rank_input) {
  const Tensor& z = low_rank_input.has_value() ? *low_rank_input : x;
  check_shapes(x, weight, q, p, core, z);
  const Tensor bottleneck = at::matmul(z, q);  // [B, N, r]
  const Tensor scaled = core.dim() == 2 ? bottleneck * core.unsqueeze(1) : bottleneck.bmm(core);
  const Tensor update = at::matmul(scaled, p.t());  // [B, N, M]
  if (bias.has_value() && bias->dim() > 1) return at::linear(x, weight) + *bias + update;
  return at::linear(x, weight, bias) + update;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(referent, m) {
  m.def(
      "conditional_linear(Tensor x, Tensor weight, Tensor? bias, Tensor q, Tensor p, Tensor core, "
      "Tensor? low_rank_input=None) -> Tensor",
      &composition);
}

Tensor conditional_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const LowRankUpdate& update) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_linear", "")
                             .typed<decltype(composition)>();
  const auto optional = [](const Tensor& tensor) {
    return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
  };
  return op.call(x, weight, optional(bias), update.q, update.p, update.core,
                 optional(update.input));
}

Tensor conditional_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const std::optional<LowRankUpdate>& update) {
  return update ? conditional_linear(x, weight, bias, *update) : at::linear(x, weight, bias);
}

}  // namespace referent::ops
