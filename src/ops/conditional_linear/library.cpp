// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "kernels.h"

namespace referent::ops::linear {
namespace {

/// t_b C_b for rows of a bottleneck t [B, N, r].
Tensor with_core(const Tensor& t, const Tensor& core) {
  return core.dim() == 2 ? t * core.unsqueeze(1) : t.bmm(core);
}

}  // namespace

Tensor rows(const Tensor& x) {
  return x.reshape({x.size(0) * x.size(1), x.size(2)});
}

Tensor up_with_core(const Tensor& p, const Tensor& core) {
  return core.dim() == 2 ? p * core.unsqueeze(1) : at::matmul(p, core.transpose(1, 2));
}

bool materialising_pays(const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& low_rank_input) {
  // Forming W_b costs M K r multiplications a sample, applying the factors N (K + M) r. Where the
  // two are near, the product with one weight for all samples is the faster one: measured with
  // VG-LAW's qkv (784 tokens, 768 -> 2304), whose ratio is 1.4, against MMCA's q and k, 2.3.
  const std::int64_t outputs = weight.size(0);
  const std::int64_t inputs = weight.size(1);
  return !low_rank_input.has_value() && x.size(1) * (inputs + outputs) >= 2 * inputs * outputs;
}

Gradients backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                   const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                   const Tensor& core, const std::optional<Tensor>& low_rank_input,
                   GradientMask wanted) {
  return backward_with(nullptr, grad, x, weight, bias, q, p, core, low_rank_input, wanted);
}

Gradients backward_with(BottleneckStep step, const Tensor& grad, const Tensor& x,
                        const Tensor& weight, const std::optional<Tensor>& bias, const Tensor& q,
                        const Tensor& p, const Tensor& core,
                        const std::optional<Tensor>& low_rank_input, GradientMask wanted) {
  check_shapes(x, weight, bias, q, p, core, low_rank_input);
  const auto [to_x, to_weight, to_bias, to_q, to_p, to_core, to_input] = wanted;
  const std::int64_t rank = q.size(1);
  const auto bottleneck_of = [&](const Tensor& t) { return t.view({x.size(0), x.size(1), rank}); };
  const Tensor g = rows(grad);                              // [B N, M]
  const Tensor z = rows(low_rank_input.value_or(x));        // [B N, Kz]
  const bool into_x = to_x && !low_rank_input.has_value();  // the low-rank term reaches x
  const bool through = to_q || to_input || into_x;          // the bottleneck

  Tensor dx, dweight, dbias, dq, dinput;
  if (to_x) dx = g.mm(weight);
  if (to_weight) dweight = g.t().mm(rows(x));
  if (to_bias && bias.has_value()) dbias = at::sum_to(grad, bias->sizes());

  Tensor h;  // z Q, one product in N M K / (r K): cheaper to compute again than to keep
  if (to_p || to_core) h = bottleneck_of(z.mm(q));
  std::optional<BottleneckGradients> low;
  if (step != nullptr && to_p && to_core && through) low = step(grad, p, h, core);
  if (!low) {
    low.emplace();
    if (to_p) low->scaled = with_core(h, core);
    if (to_core || through) {
      const Tensor u = bottleneck_of(g.mm(p));
      if (to_core) low->core = core.dim() == 2 ? (h * u).sum(1) : h.transpose(1, 2).bmm(u);
      if (through) low->bottleneck = with_core(u, core.dim() == 2 ? core : core.transpose(1, 2));
    }
  }
  const Tensor dp = to_p ? g.t().mm(rows(low->scaled)) : Tensor();
  if (through) {
    const Tensor dh = rows(low->bottleneck);
    if (to_q) dq = z.t().mm(dh);
    if (into_x) dx.addmm_(dh, q.t());
    if (to_input && low_rank_input.has_value()) {
      dinput = dh.mm(q.t()).view(low_rank_input->sizes());
    }
  }
  if (dx.defined()) dx = dx.view(x.sizes());
  return {dx, dweight, dbias, dq, dp, low->core, dinput};
}

}  // namespace referent::ops::linear
