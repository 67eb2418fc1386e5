// SPDX-License-Identifier: Apache-2.0
#include "layers.h"

#include <ATen/Context.h>
#include <ATen/ops/_addmm_activation.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include <optional>
#include <string_view>

#include "referent/inference/flop_count.h"
#include "referent/ops/onednn.h"
#include "referent/ops/winograd.h"

namespace referent::inference {
namespace {

using torch::Tensor;

bool one_dnn_takes(const Target& target) {
  return target.device.is_cpu() && at::globalContext().userEnabledMkldnn() &&
         ops::onednn_takes(target.dtype);
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kRelu:
      return "relu";
    case Activation::kGelu:
      return "gelu";
  }
  return "none";
}

Tensor apply(Activation activation, const Tensor& x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kGelu:
      return at::gelu(x);
  }
  return x;
}

std::optional<Tensor> optional(const Tensor& tensor) {
  return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
}

/// Where the weights of a norm go: on a CPU those of a bfloat16 plan stay float32, with which they
/// are multiplied anyhow.
Target of_norm(Target target) {
  if (target.device.is_cpu() && target.dtype == torch::kBFloat16) target.dtype = torch::kFloat32;
  return target;
}

/// cuDNN has no convolution with a sum or an activation inside for float64.
bool fused_by_cudnn(const Tensor& x) {
  return x.is_cuda() && x.scalar_type() != torch::kFloat64;
}

ops::ConvolutionGeometry geometry_of(const FrozenConvolution::Options& options) {
  return {{options.stride, options.stride},
          {options.padding, options.padding},
          {options.dilation, options.dilation}};
}

}  // namespace

Tensor Target::place(const Tensor& tensor) const {
  return tensor.defined() ? tensor.to(device, dtype).contiguous() : tensor;
}

FrozenLinear::FrozenLinear(const Tensor& weight, const Tensor& bias, const Target& target,
                           Activation activation)
    : activation_(activation),
      output_(weight.size(0)),
      packed_(one_dnn_takes(target)),
      weight_(target.place(weight)),
      bias_(target.place(bias)) {
  if (packed_) weight_ = ops::onednn_pack_linear(weight_);
}

FrozenLinear::FrozenLinear(const Weights& weights, std::int64_t input, std::int64_t output,
                           const Target& target, Activation activation)
    : FrozenLinear(weights.get("weight", {output, input}), weights.get("bias", {output}), target,
                   activation) {}

Tensor FrozenLinear::operator()(const Tensor& x) const {
  FlopCount::add(2 * x.numel() * output_);
  if (packed_) return ops::onednn_linear(x, weight_, optional(bias_), name_of(activation_));
  if (x.is_cuda() && activation_ == Activation::kRelu && bias_.defined()) {
    return at::_addmm_activation(bias_, x.flatten(0, -2), weight_.t())
        .unflatten(0, x.sizes().slice(0, x.dim() - 1));
  }
  return apply(activation_, at::linear(x, weight_, optional(bias_)));
}

Tensor FrozenLinear::plus(const Tensor& x, const Tensor& other) const {
  FlopCount::add(2 * x.numel() * output_);
  if (packed_) return ops::onednn_linear_plus(x, other, weight_, optional(bias_));
  return at::linear(x, weight_, optional(bias_)).add_(other);
}

FrozenConvolution::Method FrozenConvolution::choose(const Tensor& weight, const Options& options,
                                                    const Target& target) {
  if (!one_dnn_takes(target)) return Method::kLibTorch;
  // Winograd's weight takes 2.7 times the memory. Large ones, which meet small maps, are as fast
  // where they are packed while they are multiplied; for the largest even that is much for little.
  constexpr std::int64_t kLarge = 1 << 20;
  constexpr std::int64_t kLargest = 3 << 19;
  const ops::ConvolutionGeometry geometry = geometry_of(options);
  if (target.dtype != torch::kFloat32 || weight.numel() > kLargest ||
      !ops::winograd_takes(weight, options.side, options.side, geometry.stride, geometry.padding,
                           geometry.dilation)) {
    return Method::kOneDnn;
  }
  return weight.numel() > kLarge ? Method::kWinogradFromPlain : Method::kWinograd;
}

FrozenConvolution::FrozenConvolution(const Tensor& weight, const Tensor& bias,
                                     const Options& options, const Target& target)
    : options_(options),
      per_output_(2 * weight[0].numel()),
      method_(choose(weight, options, target)),
      weight_(weight.to(target.device, target.dtype, /*non_blocking=*/false, /*copy=*/false,
                        torch::MemoryFormat::ChannelsLast)),
      bias_(target.place(bias)) {
  if (method_ == Method::kWinograd) {
    weight_ = ops::winograd_pack(weight_);
  } else if (method_ == Method::kOneDnn) {
    weight_ =
        ops::onednn_pack_convolution(weight_, geometry_of(options), options.side, options.side);
  }
}

Tensor FrozenConvolution::operator()(const Tensor& x) const {
  const Tensor y = run(x);
  FlopCount::add(y.numel() * per_output_);
  return y;
}

Tensor FrozenConvolution::run(const Tensor& x) const {
  if (method_ == Method::kWinograd) {
    return ops::winograd_convolution(x, weight_, optional(bias_), options_.relu);
  }
  if (method_ == Method::kWinogradFromPlain) {
    return ops::winograd_convolution_once(x, weight_, optional(bias_), options_.relu);
  }
  const ops::ConvolutionGeometry geometry = geometry_of(options_);
  if (method_ == Method::kOneDnn) {
    return ops::onednn_convolution(x, weight_, optional(bias_), geometry, options_.relu);
  }
  if (fused_by_cudnn(x) && options_.relu && bias_.defined()) {
    return at::cudnn_convolution_relu(x, weight_, bias_, geometry.stride, geometry.padding,
                                      geometry.dilation, 1);
  }
  Tensor y =
      at::conv2d(x, weight_, optional(bias_), geometry.stride, geometry.padding, geometry.dilation);
  return options_.relu ? y.relu_() : y;
}

Tensor FrozenConvolution::onto(const Tensor& sum, const Tensor& x) const {
  FlopCount::add(sum.numel() * per_output_);
  if (method_ == Method::kWinograd || method_ == Method::kWinogradFromPlain) {
    const Tensor packed = method_ == Method::kWinograd ? weight_ : ops::winograd_pack(weight_);
    ops::winograd_convolution_onto(sum, x, packed, optional(bias_), options_.relu);
    return sum;
  }
  const ops::ConvolutionGeometry geometry = geometry_of(options_);
  if (method_ == Method::kOneDnn) {
    ops::onednn_convolution_onto(sum, x, weight_, optional(bias_), geometry, options_.relu);
    return sum;
  }
  if (fused_by_cudnn(x) && options_.relu) {
    return at::cudnn_convolution_add_relu(x, weight_, sum, /*alpha=*/1.0, optional(bias_),
                                          geometry.stride, geometry.padding, geometry.dilation, 1);
  }
  Tensor y = sum;
  y.add_(at::conv2d(x, weight_, optional(bias_), geometry.stride, geometry.padding,
                    geometry.dilation));
  return options_.relu ? y.relu_() : y;
}

FrozenLayerNorm::FrozenLayerNorm(const Weights& weights, std::int64_t width, double epsilon,
                                 const Target& target)
    : epsilon_(epsilon),
      weight_(of_norm(target).place(weights.get("weight", {width}))),
      bias_(of_norm(target).place(weights.get("bias", {width}))) {}

Tensor FrozenLayerNorm::operator()(const Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight_, bias_, epsilon_);
}

Tensor FrozenLayerNorm::of_sum(const FrozenLinear& layer, const Tensor& x,
                               const Tensor& other) const {
  if (x.is_cuda()) {
    if (const auto fused = fused_sum_and_norm(layer(x), other, weight_, bias_, epsilon_,
                                              /*sum_wanted=*/false)) {
      return fused->norm;
    }
  }
  return (*this)(layer.plus(x, other));
}

SumAndNorm FrozenLayerNorm::sum_and_norm(const FrozenLinear& layer, const Tensor& x,
                                         const Tensor& other) const {
  if (x.is_cuda()) {
    if (auto fused = fused_sum_and_norm(layer(x), other, weight_, bias_, epsilon_,
                                        /*sum_wanted=*/true)) {
      return *fused;
    }
  }
  const Tensor sum = layer.plus(x, other);
  return {sum, (*this)(sum)};
}

}  // namespace referent::inference
