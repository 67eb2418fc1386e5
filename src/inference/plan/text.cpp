// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>

#include "attention.h"

namespace referent::inference {
namespace {

using torch::Tensor;

constexpr double kNormEpsilon = 1e-12;

/// The three projections of BERT's attention as one.
FrozenLinear fused_projection(const Weights& attention, std::int64_t width, const Target& target) {
  std::vector<Tensor> matrices, biases;
  for (const char* name : {"query", "key", "value"}) {
    matrices.push_back(attention[name].get("weight", {width, width}));
    biases.push_back(attention[name].get("bias", {width}));
  }
  return {at::cat(matrices), at::cat(biases), target};
}

}  // namespace

FrozenTextEncoder::Layer::Layer(const Weights& weights, const encoders::TextEncoderConfig& config,
                                const Target& target)
    : qkv(fused_projection(weights["attention.self"], config.width, target)),
      output(weights["attention.output.dense"], config.width, config.width, target),
      output_norm(weights["attention.output.LayerNorm"], config.width, kNormEpsilon, target),
      inner(weights["intermediate.dense"], config.width, config.feedforward, target,
            Activation::kGelu),
      outer(weights["output.dense"], config.feedforward, config.width, target),
      outer_norm(weights["output.LayerNorm"], config.width, kNormEpsilon, target) {}

FrozenTextEncoder::FrozenTextEncoder(const Weights& weights,
                                     const encoders::TextEncoderConfig& config, std::int64_t width,
                                     const Target& target)
    : heads_(config.heads),
      norm_(weights["bert.embeddings.LayerNorm"], config.width, kNormEpsilon, target) {
  const Weights embeddings = weights["bert.embeddings"];
  words_ = target.place(
      embeddings["word_embeddings"].get("weight", {config.vocabulary_size, config.width}));
  positions_ = target.place(
      embeddings["position_embeddings"].get("weight", {config.positions, config.width}) +
      embeddings["token_type_embeddings"].get("weight", {2, config.width}).select(0, 0));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    layers_.emplace_back(weights[fmt::format("bert.encoder.layer.{}", i)], config, target);
  }
  if (config.pooler) {
    weights["bert.pooler.dense"].pass_over("weight");
    weights["bert.pooler.dense"].pass_over("bias");
  }
  if (config.projection) {
    projection_.emplace(weights["text_proj"], config.width, width, target);
  }
}

TextFeatures FrozenTextEncoder::operator()(const Tensor& tokens, const Tensor& padding) const {
  Tensor x = norm_(at::embedding(words_, tokens) + positions_.narrow(0, 0, tokens.size(1)));
  const Tensor keep =
      padding.defined() ? key_mask(padding.logical_not(), x.scalar_type()) : Tensor();
  for (const Layer& layer : layers_) {
    const auto qkv = layer.qkv(x).chunk(3, -1);
    const Tensor attended = attention(qkv[0], qkv[1], qkv[2], keep, heads_);
    x = layer.output_norm.of_sum(layer.output, attended, x);
    x = layer.outer_norm.of_sum(layer.outer, layer.inner(x), x);
  }
  if (projection_) x = (*projection_)(x);
  if (!padding.defined()) return {x, padding, x.mean(1)};
  const Tensor real = padding.logical_not().unsqueeze(-1).to(x.dtype());  // [B, L, 1]
  return {x, padding, (x * real).sum(1) / real.sum(1).clamp_min(1e-9)};
}

}  // namespace referent::inference
