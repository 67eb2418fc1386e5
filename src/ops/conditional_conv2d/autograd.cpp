// SPDX-License-Identifier: Apache-2.0
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "../gradient_mask.h"
#include "../kernel_types.h"
#include "kernels.h"

namespace referent::ops::convolution {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Keeps the bottleneck: r channels, and the larger of the two convolutions not to be done twice.
class ConditionalConv2d : public torch::autograd::Function<ConditionalConv2d> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const std::optional<Tensor>& residual) {
    const variable_list inputs{x,    down_weight, value_or_undefined(down_bias),
                               core, up_weight,   value_or_undefined(up_bias)};
    context->saved_data["wanted"] = wanted_gradients(inputs);
    context->saved_data["residual"] = residual.has_value();
    const at::AutoDispatchBelowADInplaceOrView guard;
    const auto [y, bottleneck] =
        call_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual);
    variable_list kept = inputs;
    kept.push_back(bottleneck);
    context->save_for_backward(kept);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list in = context->get_saved_variables();
    const auto wanted = as_mask<6>(context->saved_data["wanted"]);
    const auto [x, down_weight, down_bias, core, up_weight, up_bias] =
        call_backward(gradients[0], in[0], in[1], optional_of(in[2]), in[3], in[4],
                      optional_of(in[5]), in[6], wanted);
    const bool to_residual = context->saved_data["residual"].toBool();
    return {
        x, down_weight, down_bias, core, up_weight, up_bias, to_residual ? gradients[0] : Tensor()};
  }
};

Tensor autograd(const Tensor& x, const Tensor& down_weight, const std::optional<Tensor>& down_bias,
                const Tensor& core, const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                const std::optional<Tensor>& residual) {
  return taken(x, down_weight, down_bias, core, up_weight, up_bias, residual)
             ? ConditionalConv2d::apply(x, down_weight, down_bias, core, up_weight, up_bias,
                                        residual)
             : composition(x, down_weight, down_bias, core, up_weight, up_bias, residual);
}

TORCH_LIBRARY_IMPL(referent, Autograd, m) {
  m.impl("conditional_conv2d", &autograd);
  m.impl("_conditional_conv2d", torch::autograd::autogradNotImplementedFallback());
  m.impl("conditional_conv2d_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace
}  // namespace referent::ops::convolution
