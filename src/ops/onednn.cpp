// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/onednn.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>

namespace referent::ops {
namespace {

using torch::Tensor;
using Scalars = c10::List<std::optional<at::Scalar>>;

template <class Signature>
c10::TypedOperatorHandle<Signature> find(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

}  // namespace

bool onednn_takes(c10::ScalarType type) {
  return type == torch::kFloat32 ||
         (type == torch::kBFloat16 && __builtin_cpu_supports("avx512bw") != 0 &&
          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0);
}

Tensor onednn_linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                     std::string_view activation) {
  static const auto op =
      find<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
                  Scalars, std::optional<std::string_view>)>("mkldnn::_linear_pointwise");
  const Tensor matrix = weight.is_mkldnn() ? weight : weight.contiguous();
  return op.call(x.contiguous(), matrix, bias, activation, Scalars(), "none");
}

Tensor onednn_linear_plus(const Tensor& x, const Tensor& other, const Tensor& weight,
                          const std::optional<Tensor>& bias) {
  static const auto op =
      find<Tensor(const Tensor&, const Tensor&, const Tensor&, const std::optional<Tensor>&,
                  std::string_view)>("mkldnn::_linear_pointwise", "binary");
  return op.call(x.contiguous(), other.contiguous(), weight, bias, "add");
}

Tensor onednn_pack_linear(const Tensor& weight) {
  static const auto op =
      find<Tensor(const Tensor&, std::optional<std::int64_t>)>("mkldnn::_reorder_linear_weight");
  return op.call(weight, /*batch_size=*/std::nullopt);
}

Tensor onednn_convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                          const ConvolutionGeometry& geometry, bool relu) {
  static const auto op =
      find<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, at::IntArrayRef,
                  at::IntArrayRef, at::IntArrayRef, std::int64_t, std::string_view, Scalars,
                  std::optional<std::string_view>)>("mkldnn::_convolution_pointwise");
  return op.call(x, weight, bias, geometry.padding, geometry.stride, geometry.dilation,
                 /*groups=*/1, relu ? "relu" : "none", Scalars(), "none");
}

void onednn_convolution_onto(Tensor sum, const Tensor& x, const Tensor& weight,
                             const std::optional<Tensor>& bias, const ConvolutionGeometry& geometry,
                             bool relu) {
  static const auto op = find<Tensor&(
      Tensor&, const Tensor&, const Tensor&, const std::optional<Tensor>&, at::IntArrayRef,
      at::IntArrayRef, at::IntArrayRef, std::int64_t, std::string_view, std::optional<at::Scalar>,
      std::optional<std::string_view>, Scalars, std::optional<std::string_view>)>(
      "mkldnn::_convolution_pointwise_", "binary");
  op.call(sum, x, weight, bias, geometry.padding, geometry.stride, geometry.dilation,
          /*groups=*/1, "add", /*alpha=*/1.0,
          relu ? std::optional<std::string_view>("relu") : std::nullopt, Scalars(), std::nullopt);
}

Tensor onednn_pack_convolution(const Tensor& weight, const ConvolutionGeometry& geometry,
                               std::int64_t height, std::int64_t width) {
  const std::array<std::int64_t, 4> map{1, weight.size(1), height, width};
  return at::mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), geometry.padding, geometry.stride,
                                          geometry.dilation, /*groups=*/1, map);
}

}  // namespace referent::ops
