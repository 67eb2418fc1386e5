// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_linear.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "../kernel_types.h"
#include "kernels.h"

namespace referent::ops {
namespace linear {
namespace {

TORCH_LIBRARY_FRAGMENT(referent, m) {
  m.def(
      "conditional_linear(Tensor x, Tensor weight, Tensor? bias, Tensor q, Tensor p, Tensor core, "
      "Tensor? low_rank_input=None) -> Tensor");
  m.def(
      "conditional_linear_backward(Tensor grad, Tensor x, Tensor weight, Tensor? bias, Tensor q, "
      "Tensor p, Tensor core, Tensor? low_rank_input, bool[7] wanted) -> "
      "(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
}

}  // namespace

Tensor call(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
            const Tensor& q, const Tensor& p, const Tensor& core,
            const std::optional<Tensor>& low_rank_input) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_linear", "")
                             .typed<decltype(call)>();
  return op.call(x, weight, bias, q, p, core, low_rank_input);
}

Gradients call_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                        const Tensor& core, const std::optional<Tensor>& low_rank_input,
                        GradientMask wanted) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_linear_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad, x, weight, bias, q, p, core, low_rank_input, wanted);
}

}  // namespace linear

using torch::Tensor;

Tensor conditional_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const LowRankUpdate& update) {
  return linear::call(x, weight, optional_of(bias), update.q, update.p, update.core,
                      optional_of(update.input));
}

Tensor conditional_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const std::optional<LowRankUpdate>& update) {
  return update ? conditional_linear(x, weight, bias, *update) : at::linear(x, weight, bias);
}

}  // namespace referent::ops
