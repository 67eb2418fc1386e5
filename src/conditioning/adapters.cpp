// SPDX-License-Identifier: Apache-2.0
#include "referent/conditioning/adapters.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>

#include "referent/batch/probe.h"

namespace referent::conditioning {
namespace {

using torch::Tensor;

torch::nn::Linear linear_without_bias(std::int64_t input, std::int64_t output) {
  return torch::nn::Linear(torch::nn::LinearOptions(input, output).bias(false));
}

torch::nn::Conv2d same_convolution(std::int64_t input, std::int64_t output, std::int64_t kernel,
                                   bool bias) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(input, output, kernel).padding(kernel / 2).bias(bias));
}

}  // namespace

GateFusionImpl::GateFusionImpl(const ConditioningConfig& config, std::int64_t channels,
                               std::int64_t text_width, bool of_map)
    : variant_(config.variant),
      text_(linear_without_bias(text_width, config.gate_width)),
      transform_(torch::nn::Linear(config.gate_width, config.gate_hidden), torch::nn::ReLU(),
                 torch::nn::Linear(config.gate_hidden, config.gate_width)) {
  constexpr const char* kVisual = "visual_linear_static_down";
  visual_weight_ =
      of_map ? register_module(kVisual, same_convolution(channels, config.gate_width, 1, false))
                   ->weight
             : register_module(kVisual, linear_without_bias(channels, config.gate_width))->weight;
  register_module("textual_linear_static_down", text_);
  register_module("mm_feat_embed_transform", transform_);
}

Tensor GateFusionImpl::forward(const Tensor& visual_mean, const Tensor& text_mean) {
  // The mean over positions commutes with the projection, so it is taken first.
  const Tensor v = at::linear(visual_mean, visual_weight_.flatten(1));
  const Tensor t = text_(text_mean);
  const Tensor gate = torch::sigmoid(transform_->forward(v + t));
  return variant_ == Variant::kReleased ? t + gate * v : gate * t + v;
}

AdapterImpl::AdapterImpl(const ConditioningConfig& config, std::int64_t channels,
                         std::int64_t text_width, bool of_map, std::string name)
    : variant_(config.variant),
      name_(std::move(name)),
      gate_fusion_(config, channels, text_width, of_map) {
  register_module("gate_fusion", gate_fusion_);
  text_linear_w_ = register_parameter("text_linear_w",
                                      config.core_deviation.value_or(0.0) *
                                          torch::randn({config.gate_width, config.update_rank()}));
  text_linear_b_ = register_parameter("text_linear_b", torch::ones({config.update_rank()}));
}

Tensor AdapterImpl::core(const Tensor& visual_mean, const Tensor& text_mean) {
  const Tensor fused = gate_fusion_(visual_mean, text_mean);
  probe(name_ + ".fused", fused);
  return at::addmm(text_linear_b_, fused, text_linear_w_);
}

LinearAdapterImpl::LinearAdapterImpl(const ConditioningConfig& config, std::int64_t width,
                                     std::int64_t text_width, const std::string& name)
    : AdapterImpl(config, width, text_width, /*of_map=*/false, name),
      down_(linear_without_bias(width, config.update_rank())),
      up_(linear_without_bias(config.update_rank(), width)) {
  register_module("visual_linear_static_down", down_);
  register_module("visual_linear_static_up", up_);
  if (config.variant == Variant::kReleased && !config.core_deviation) {
    // The released transformer re-initialises every matrix it holds, W_g among them.
    for (const auto& parameter : named_parameters()) {
      if (parameter.value().dim() > 1) torch::nn::init::xavier_uniform_(parameter.value());
    }
  }
}

ops::LowRankUpdate LinearAdapterImpl::update(const Tensor& input, const Tensor& text_mean,
                                             const Tensor& weight) {
  const Tensor c = core(input.mean(1), text_mean);
  if (probing()) probe(probe_name() + ".update", up_(down_(input) * c.unsqueeze(1)));
  const bool on_input = variant() == Variant::kReleased && weight.defined();
  return {down_->weight.t(), on_input ? at::mm(weight, up_->weight) : up_->weight, c, input};
}

ops::LowRankUpdate beside(const ops::LowRankUpdate& a, const ops::LowRankUpdate& b) {
  return {at::cat({a.q, b.q}, 1), at::block_diag({a.p, b.p}), at::cat({a.core, b.core}, 1),
          a.input};
}

ConvolutionAdapterImpl::ConvolutionAdapterImpl(const ConditioningConfig& config,
                                               std::int64_t channels, std::int64_t text_width,
                                               const std::string& name)
    : AdapterImpl(config, channels, text_width, /*of_map=*/true, name),
      down_(same_convolution(channels, config.update_rank(),
                             config.variant == Variant::kReleased ? 3 : 1,
                             config.variant == Variant::kReleased)),
      up_(same_convolution(config.update_rank(), channels,
                           config.variant == Variant::kReleased ? 1 : 3,
                           config.variant == Variant::kReleased)) {
  register_module("visual_conv_static_down", down_);
  register_module("visual_conv_static_up", up_);
}

Tensor ConvolutionAdapterImpl::forward(const Tensor& x, const Tensor& text_mean,
                                       const Tensor& residual) {
  const ops::ConvolutionUpdate update{down_->weight, down_->bias, core(x.mean({2, 3}), text_mean),
                                      up_->weight, up_->bias};
  if (probing()) {
    probe(probe_name() + ".update", ops::conditional_conv2d(x, update, Tensor()));
  }
  return ops::conditional_conv2d(x, update, residual);
}

}  // namespace referent::conditioning
