// SPDX-License-Identifier: Apache-2.0
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "../gradient_mask.h"
#include "../kernel_types.h"
#include "kernels.h"

namespace referent::ops::linear {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class ConditionalLinear : public torch::autograd::Function<ConditionalLinear> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, const Tensor& q, const Tensor& p,
                        const Tensor& core, const std::optional<Tensor>& low_rank_input) {
    const variable_list inputs{x, weight, value_or_undefined(bias),          q,
                               p, core,   value_or_undefined(low_rank_input)};
    context->saved_data["wanted"] = wanted_gradients(inputs);
    context->save_for_backward(inputs);
    const at::AutoDispatchBelowADInplaceOrView guard;
    return call(x, weight, bias, q, p, core, low_rank_input);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list in = context->get_saved_variables();
    const auto wanted = as_mask<7>(context->saved_data["wanted"]);
    const auto [x, weight, bias, q, p, core, low_rank_input] =
        call_backward(gradients[0], in[0], in[1], optional_of(in[2]), in[3], in[4], in[5],
                      optional_of(in[6]), wanted);
    return {x, weight, bias, q, p, core, low_rank_input};
  }
};

Tensor autograd(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                const Tensor& q, const Tensor& p, const Tensor& core,
                const std::optional<Tensor>& low_rank_input) {
  const bool taken = kernels_take(
      {x, weight, value_or_undefined(bias), q, p, core, value_or_undefined(low_rank_input)});
  return taken ? ConditionalLinear::apply(x, weight, bias, q, p, core, low_rank_input)
               : composition(x, weight, bias, q, p, core, low_rank_input);
}

TORCH_LIBRARY_IMPL(referent, Autograd, m) {
  m.impl("conditional_linear", &autograd);
  m.impl("conditional_linear_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace
}  // namespace referent::ops::linear
