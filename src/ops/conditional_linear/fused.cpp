// SPDX-License-Identifier: Apache-2.0
#include "fused.h"

#include <ATen/Functions.h>
#include <c10/cuda/CUDAGuard.h>

#include "../cuda_arguments.h"
#include "kernels/conditional_linear/conditional_linear.h"
#include "referent/ops/own_kernels.h"

namespace referent::ops::linear {

using at::Tensor;

std::optional<Tensor> fused_forward(const Tensor& x, const Tensor& weight,
                                    const std::optional<Tensor>& bias, const Tensor& q,
                                    const Tensor& p, const Tensor& core,
                                    const std::optional<Tensor>& low_rank_input) {
  if (!own_kernels_used() ||
      !fit_int(x.size(0), x.size(1), x.size(2), q.size(0), p.size(0), p.size(1))) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(x.device());
  const Tensor input = with_contiguous_rows(x);
  const Tensor w = with_contiguous_rows(weight);
  const Tensor q_t = with_contiguous_rows(q.t());  // [r, Kz]: a down weight's own layout
  const Tensor up = with_contiguous_rows(p);
  const Tensor c = core.contiguous();
  Tensor z, added;
  Tensor y = at::empty({x.size(0), x.size(1), weight.size(0)}, x.options());

  kernels::ConditionalLinearParams params;
  params.type = kernel_type(x);
  params.allow_tf32 = allows_tf32();
  params.batch = static_cast<int>(x.size(0));
  params.tokens = static_cast<int>(x.size(1));
  params.inputs = static_cast<int>(x.size(2));
  params.low_rank_inputs = static_cast<int>(q.size(0));
  params.outputs = static_cast<int>(weight.size(0));
  params.rank = static_cast<int>(q.size(1));
  params.dense = core.dim() == 3;
  params.x = kernel_rows(input);
  if (low_rank_input.has_value()) {
    z = with_contiguous_rows(*low_rank_input);
    params.z = kernel_rows(z);
  }
  params.weight = w.const_data_ptr();
  params.weight_stride = w.stride(0);
  params.q = q_t.const_data_ptr();
  params.q_row_stride = 1;
  params.q_column_stride = q_t.stride(0);
  params.p = up.const_data_ptr();
  params.p_stride = up.stride(0);
  params.core = c.const_data_ptr();
  if (bias.has_value()) {
    added = with_contiguous_rows(*bias).expand(y.sizes());
    if (added.size(2) > 1 && added.stride(2) != 1) return std::nullopt;  // broadcast along M
    params.bias = kernel_rows(added);
  }
  params.y = {y.mutable_data_ptr(), y.stride(0), y.stride(1)};
  if (kernels::supported_path(params, compute_capability()) == kernels::Path::kUnsupported) {
    return std::nullopt;
  }
  C10_CUDA_CHECK(
      kernels::launch_conditional_linear_forward(params, at::cuda::getCurrentCUDAStream()));
  return y;
}

std::optional<BottleneckGradients> fused_bottleneck(const Tensor& grad, const Tensor& p,
                                                    const Tensor& bottleneck, const Tensor& core) {
  if (!own_kernels_used() || !fit_int(grad.size(0), grad.size(1), grad.size(2), p.size(1))) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(grad.device());
  const Tensor dy = with_contiguous_rows(grad);
  const Tensor up = with_contiguous_rows(p);
  const Tensor low = bottleneck.contiguous();
  const Tensor c = core.contiguous();

  kernels::LowRankBackwardParams params;
  params.type = kernel_type(grad);
  params.allow_tf32 = allows_tf32();
  params.batch = static_cast<int>(grad.size(0));
  params.tokens = static_cast<int>(grad.size(1));
  params.outputs = static_cast<int>(grad.size(2));
  params.rank = static_cast<int>(p.size(1));
  params.dense = core.dim() == 3;
  params.y_gradient = kernel_rows(dy);
  params.p = up.const_data_ptr();
  params.p_stride = up.stride(0);
  params.low = low.const_data_ptr();
  params.core = c.const_data_ptr();
  if (kernels::supported_path(params, compute_capability()) == kernels::Path::kUnsupported) {
    return std::nullopt;
  }
  BottleneckGradients gradients{at::empty_like(low), at::empty_like(low), at::empty_like(c)};
  const auto bytes = static_cast<std::int64_t>(kernels::low_rank_backward_workspace(params));
  const Tensor workspace = at::empty({bytes / 4}, grad.options().dtype(at::kFloat));
  params.low_gradient = gradients.bottleneck.mutable_data_ptr();
  params.scaled_low = gradients.scaled.mutable_data_ptr();
  params.core_gradient = gradients.core.mutable_data_ptr();
  params.workspace = workspace.mutable_data_ptr<float>();
  C10_CUDA_CHECK(kernels::launch_low_rank_backward(params, at::cuda::getCurrentCUDAStream()));
  return gradients;
}

}  // namespace referent::ops::linear
