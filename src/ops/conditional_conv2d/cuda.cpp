// SPDX-License-Identifier: Apache-2.0
#include <torch/library.h>

#include "fused.h"
#include "kernels.h"

namespace referent::ops::convolution {

Forward cuda_forward(const Tensor& x, const Tensor& down_weight,
                     const std::optional<Tensor>& down_bias, const Tensor& core,
                     const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                     const std::optional<Tensor>& residual) {
#ifdef REFERENT_FUSED_OPS
  if (auto outputs = fused_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual)) {
    return *outputs;
  }
#endif
  return library_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

namespace {

Tensor cuda_kernel(const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const std::optional<Tensor>& residual) {
  return taken(x, down_weight, down_bias, core, up_weight, up_bias, residual)
             ? std::get<0>(
                   cuda_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual))
             : composition(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

TORCH_LIBRARY_IMPL(referent, CUDA, m) {
  m.impl("conditional_conv2d", &cuda_kernel);
  m.impl("_conditional_conv2d", &cuda_forward);
  m.impl("conditional_conv2d_backward", &backward);
}

}  // namespace
}  // namespace referent::ops::convolution
