// SPDX-License-Identifier: Apache-2.0
#include "encoder_layer.h"

#include <ATen/ops/cat.h>

#include <algorithm>

#include "attention.h"

namespace referent::inference {
namespace {

using torch::Tensor;

constexpr double kNormEpsilon = 1e-5;

/// A linear layer whose last rows, without bias, make an update's low-rank input.
FrozenLinear with_down(const Tensor& weight, const Tensor& bias, const Tensor& down,
                       const Target& target) {
  if (!down.defined()) return {weight, bias, target};
  return {at::cat({weight, down}), at::cat({bias, bias.new_zeros({down.size(0)})}), target};
}

}  // namespace

FrozenEncoderLayer::FrozenEncoderLayer(const Weights& weights, const nn::TransformerConfig& config,
                                       const FrozenConditioning* conditioning, std::int64_t index,
                                       const Target& target)
    : width_(config.width),
      heads_(config.heads),
      norm_first_(config.norm_first),
      output_(weights["self_attn.out_proj"], config.width, config.width, target),
      inner_(weights["linear1"], config.width, config.feedforward, target, Activation::kRelu),
      outer_(weights["linear2"], config.feedforward, config.width, target),
      norm1_(weights["norm1"], config.width, kNormEpsilon, target),
      norm2_(weights["norm2"], config.width, kNormEpsilon, target) {
  const Tensor weight = weights["self_attn"].get("in_proj_weight", {3 * width_, width_});
  const Tensor bias = weights["self_attn"].get("in_proj_bias", {3 * width_});
  Tensor of_position, of_x;  // what each projection makes an update's low-rank input with
  if (conditioning != nullptr) {
    update_ = conditioning->attention(index, weight);
    mlp_update_ = conditioning->mlp(index);
    if (update_->sees_position) of_position = update_->down;
    if (!update_->sees_position || update_->up_value.defined()) of_x = update_->down;
  }
  of_position_.emplace(with_down(weight.narrow(0, 0, 2 * width_), bias.narrow(0, 0, 2 * width_),
                                 of_position, target));
  of_x_.emplace(with_down(weight.narrow(0, 2 * width_, width_), bias.narrow(0, 2 * width_, width_),
                          of_x, target));
}

Tensor FrozenEncoderLayer::attend(const Tensor& x, const Tensor& position, const Tensor& keep,
                                  std::int64_t keys, std::int64_t queries,
                                  const TextFeatures& text) const {
  const std::int64_t rows = std::max(keys, queries);
  const Tensor with_position = x + position;
  const FrozenLinear& of_position = of_position_.value();
  const FrozenLinear& of_x = of_x_.value();
  const Tensor a = of_position(with_position.narrow(1, 0, rows));  // [B, rows, 2 D (+ r)]
  const Tensor b = of_x(x.narrow(1, 0, rows));                     // [B, rows, D (+ r)]
  const Tensor qk = a.narrow(2, 0, 2 * width_);
  const Tensor v = b.narrow(2, 0, width_);
  if (update_) {
    const Tensor core = update_->core(update_->sees_position ? with_position : x, text);
    const std::int64_t rank = update_->down.size(0);
    const Tensor z =
        update_->sees_position ? a.narrow(2, 2 * width_, rank) : b.narrow(2, width_, rank);
    add_update(qk, z, core, update_->up_query_key);
    if (update_->up_value.defined()) {
      add_update(v, b.narrow(2, width_, rank), core, update_->up_value);
    }
  }
  return attention(qk.narrow(2, 0, width_).narrow(1, 0, queries),
                   qk.narrow(2, width_, width_).narrow(1, 0, keys), v.narrow(1, 0, keys), keep,
                   heads_);
}

Tensor FrozenEncoderLayer::mlp(const Tensor& x, const Tensor& shortcut,
                               const TextFeatures& text) const {
  const Tensor y = outer_.plus(inner_(x), shortcut);
  if (mlp_update_) {
    add_update(y, mlp_update_->down(x), mlp_update_->core(x, text), mlp_update_->up);
  }
  return y;
}

Tensor FrozenEncoderLayer::operator()(const Tensor& x, const Tensor& position, const Tensor& keep,
                                      std::int64_t keys, std::int64_t queries,
                                      const TextFeatures& text) const {
  const Tensor shortcut = x.narrow(1, 0, queries);
  if (norm_first_) {
    const Tensor attended = attend(norm1_(x), position, keep, keys, queries, text);
    const auto [h, input] = norm2_.sum_and_norm(output_, attended, shortcut);
    return mlp(input, h, text);
  }
  const Tensor attended = attend(x, position, keep, keys, queries, text);
  const Tensor h = norm1_.of_sum(output_, attended, shortcut);
  return mlp_update_ ? norm2_(mlp(h, h, text)) : norm2_.of_sum(outer_, inner_(h), h);
}

std::vector<FrozenEncoderLayer> make_frozen_layers(const Weights& weights,
                                                   const nn::TransformerConfig& config,
                                                   const FrozenConditioning* conditioning,
                                                   const Target& target) {
  std::vector<FrozenEncoderLayer> layers;
  layers.reserve(static_cast<std::size_t>(config.layers));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    layers.emplace_back(weights[std::to_string(i)], config, conditioning, i, target);
  }
  return layers;
}

}  // namespace referent::inference
