// SPDX-License-Identifier: Apache-2.0
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::convolution {
namespace {

Tensor cpu_kernel(const Tensor& x, const Tensor& down_weight,
                  const std::optional<Tensor>& down_bias, const Tensor& core,
                  const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                  const std::optional<Tensor>& residual) {
  return taken(x, down_weight, down_bias, core, up_weight, up_bias, residual)
             ? library_inference(x, down_weight, down_bias, core, up_weight, up_bias, residual)
             : composition(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

TORCH_LIBRARY_IMPL(referent, CPU, m) {
  m.impl("conditional_conv2d", &cpu_kernel);
  m.impl("_conditional_conv2d", &library_forward);
  m.impl("conditional_conv2d_backward", &backward);
}

}  // namespace
}  // namespace referent::ops::convolution
