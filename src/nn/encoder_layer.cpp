// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/encoder_layer.h"

#include <torch/nn/init.h>

#include "referent/nn/dropout.h"
#include "referent/ops/conditional_linear.h"

namespace referent::nn {
namespace {

using torch::Tensor;

torch::nn::LayerNorm layer_norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-5));
}

}  // namespace

EncoderLayerImpl::EncoderLayerImpl(const TransformerConfig& config)
    : dropout_(config.dropout),
      norm_first_(config.norm_first),
      self_attn_(config.width, config.heads, config.attention_dropout.value_or(config.dropout)),
      linear1_(config.width, config.feedforward),
      linear2_(config.feedforward, config.width),
      norm1_(layer_norm(config.width)),
      norm2_(layer_norm(config.width)) {
  register_module("self_attn", self_attn_);
  register_module("linear1", linear1_);
  register_module("linear2", linear2_);
  register_module("norm1", norm1_);
  register_module("norm2", norm2_);
  // DETR initialises every matrix of its transformer so.
  if (config.xavier_output) {
    torch::nn::init::xavier_uniform_(self_attn_->named_parameters()["out_proj.weight"]);
  }
  torch::nn::init::xavier_uniform_(linear1_->weight);
  torch::nn::init::xavier_uniform_(linear2_->weight);
}

Tensor EncoderLayerImpl::forward(const Tensor& x, const Tensor& position, const Tensor& padding,
                                 LayerConditioner* conditioner) {
  const auto drop = [&](const Tensor& y) { return nn::dropout(y, dropout_, is_training()); };
  const auto attend = [&](const Tensor& y) {
    return drop(self_attn_(y, position, padding, conditioner));  // [B, N, D]
  };
  const auto mlp = [&](const Tensor& y) {
    const Tensor inner = drop(torch::relu(linear1_(y)));  // [B, N, F]
    std::optional<ops::LowRankUpdate> update;
    if (conditioner != nullptr) update = conditioner->mlp(y);
    return drop(ops::conditional_linear(inner, linear2_->weight, linear2_->bias, update));
  };
  if (norm_first_) {
    const Tensor h = x + attend(norm1_(x));
    return h + mlp(norm2_(h));
  }
  const Tensor h = norm1_(x + attend(x));
  return norm2_(h + mlp(h));
}

torch::nn::ModuleList make_encoder_layers(const TransformerConfig& config) {
  torch::nn::ModuleList layers;
  for (std::int64_t i = 0; i < config.layers; ++i) layers->push_back(EncoderLayer(config));
  return layers;
}

}  // namespace referent::nn
