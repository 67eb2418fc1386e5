// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/onednn.h"

#include <ATen/core/dispatch/Dispatcher.h>

namespace referent::ops {

using torch::Tensor;

Tensor onednn_linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  using Signature =
      Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
             c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<Signature>();
  return op.call(x.contiguous(), weight.contiguous(), bias, "none",
                 c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

Tensor onednn_convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                          at::IntArrayRef padding) {
  using Signature =
      Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, at::IntArrayRef,
             at::IntArrayRef, at::IntArrayRef, std::int64_t, std::string_view,
             c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                             .typed<Signature>();
  return op.call(x, weight, bias, padding, {1, 1}, {1, 1}, /*groups=*/1, "none",
                 c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

}  // namespace referent::ops
