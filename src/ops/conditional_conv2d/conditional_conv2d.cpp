// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_conv2d.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace referent::ops {
namespace {

using torch::Tensor;

bool is_odd_kernel(const Tensor& weight) {
  return weight.dim() == 4 && weight.size(2) % 2 == 1 && weight.size(3) % 2 == 1;
}

Tensor same_convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  return at::conv2d(x, weight, bias, /*stride=*/1, {weight.size(2) / 2, weight.size(3) / 2});
}

Tensor composition(const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const std::optional<Tensor>& residual) {
  TORCH_CHECK(x.dim() == 4 && is_odd_kernel(down_weight) && is_odd_kernel(up_weight) &&
                  down_weight.size(1) == x.size(1) && up_weight.size(1) == down_weight.size(0),
              "conditional_conv2d: expected x [B, C, H, W], down_weight [r, C, k, k] and up_weight "
              "[Cout, r, k, k] with odd k, got ",
              x.sizes(), ", ", down_weight.sizes(), " and ", up_weight.sizes());
  TORCH_CHECK(core.dim() == 2 && core.size(0) == x.size(0) && core.size(1) == up_weight.size(1),
              "conditional_conv2d: expected core [", x.size(0), ", ", up_weight.size(1), "], got ",
              core.sizes());
  const Tensor bottleneck = same_convolution(x, down_weight, down_bias);  // [B, r, H, W]
  const Tensor y =
      same_convolution(bottleneck * core.unsqueeze(-1).unsqueeze(-1), up_weight, up_bias);
  return residual.has_value() ? *residual + y : y;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(referent, m) {
  m.def(
      "conditional_conv2d(Tensor x, Tensor down_weight, Tensor? down_bias, Tensor core, "
      "Tensor up_weight, Tensor? up_bias, Tensor? residual=None) -> Tensor",
      &composition);
}

Tensor conditional_conv2d(const Tensor& x, const ConvolutionUpdate& update,
                          const Tensor& residual) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("referent::conditional_conv2d", "")
                             .typed<decltype(composition)>();
  const auto optional = [](const Tensor& tensor) {
    return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
  };
  return op.call(x, update.down_weight, optional(update.down_bias), update.core, update.up_weight,
                 optional(update.up_bias), optional(residual));
}

}  // namespace referent::ops
