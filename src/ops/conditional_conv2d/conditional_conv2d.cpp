// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_conv2d.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "../kernel_types.h"
#include "kernels.h"

namespace referent::ops {
namespace convolution {
namespace {

TORCH_LIBRARY_FRAGMENT(referent, m) {
  m.def(
      "conditional_conv2d(Tensor x, Tensor down_weight, Tensor? down_bias, Tensor core, "
      "Tensor up_weight, Tensor? up_bias, Tensor? residual=None) -> Tensor");
  m.def(
      "_conditional_conv2d(Tensor x, Tensor down_weight, Tensor? down_bias, Tensor core, "
      "Tensor up_weight, Tensor? up_bias, Tensor? residual) -> (Tensor, Tensor)");
  m.def(
      "conditional_conv2d_backward(Tensor grad, Tensor x, Tensor down_weight, Tensor? down_bias, "
      "Tensor core, Tensor up_weight, Tensor? up_bias, Tensor bottleneck, bool[6] wanted) -> "
      "(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
}

}  // namespace

Tensor call(const Tensor& x, const Tensor& down_weight, const std::optional<Tensor>& down_bias,
            const Tensor& core, const Tensor& up_weight, const std::optional<Tensor>& up_bias,
            const std::optional<Tensor>& residual) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_conv2d", "")
                             .typed<decltype(call)>();
  return op.call(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

Forward call_forward(const Tensor& x, const Tensor& down_weight,
                     const std::optional<Tensor>& down_bias, const Tensor& core,
                     const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                     const std::optional<Tensor>& residual) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::_conditional_conv2d", "")
                             .typed<decltype(call_forward)>();
  return op.call(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

Gradients call_backward(const Tensor& grad, const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const Tensor& bottleneck, GradientMask wanted) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_conv2d_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad, x, down_weight, down_bias, core, up_weight, up_bias, bottleneck, wanted);
}

}  // namespace convolution

torch::Tensor conditional_conv2d(const torch::Tensor& x, const ConvolutionUpdate& update,
                                 const torch::Tensor& residual) {
  return convolution::call(x, update.down_weight, optional_of(update.down_bias), update.core,
                           update.up_weight, optional_of(update.up_bias), optional_of(residual));
}

}  // namespace referent::ops
