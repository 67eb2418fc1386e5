// SPDX-License-Identifier: Apache-2.0
#include "referent/conditioning/law.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "referent/batch/probe.h"
#include "referent/core/error.h"

namespace referent::conditioning {
namespace {

using torch::Tensor;

/// Phi of one layer: Linear, (released) LayerNorm, GELU, Linear. Indices as released.
torch::nn::Sequential make_phi(const ConditioningConfig& config, std::int64_t text_width) {
  const std::int64_t hidden = std::max<std::int64_t>(1, text_width / config.generator_reduction);
  const std::int64_t rank = config.update_rank();
  const bool released = config.variant == Variant::kReleased;
  torch::nn::Linear last(hidden, rank * rank);
  torch::nn::Sequential phi;
  phi->push_back("0", torch::nn::Linear(text_width, hidden));
  if (released) {
    phi->push_back("1", torch::nn::LayerNorm(
                            torch::nn::LayerNormOptions({hidden}).eps(kGeneratorNormEpsilon)));
    torch::nn::init::zeros_(last->weight);
    torch::nn::init::zeros_(last->bias);
  }
  phi->push_back("2", torch::nn::GELU());
  phi->push_back("3", last);
  return phi;
}

Tensor he_uniform(const std::vector<std::int64_t>& shape) {
  const Tensor values = torch::empty(shape);
  torch::nn::init::kaiming_uniform_(values, std::sqrt(5.0));
  return values;
}

/// Of queries and keys of this width, as attention scales them.
double scale_of_products(std::int64_t width) {
  return 1.0 / std::sqrt(static_cast<double>(width));
}

class LawLayer final : public nn::LayerConditioner {
 public:
  /// up [3D, r], down [r, D], m [B, r, r].
  LawLayer(Tensor up, const Tensor& down, const Tensor& m)
      : up_(std::move(up)), q_(down.t()), core_(m.transpose(1, 2)) {}

  nn::AttentionUpdate attention(const Tensor& x, const Tensor& /*position*/,
                                const Tensor& /*in_proj_weight*/) override {
    const auto third = [&](std::int64_t i) {
      return ops::LowRankUpdate{q_, up_.narrow(0, i * x.size(2), x.size(2)), core_, Tensor()};
    };
    return {third(0), third(1), third(2)};
  }

  ops::LowRankUpdate fused_attention(const Tensor& /*x*/, const Tensor& /*qkv_weight*/) override {
    return {q_, up_, core_, Tensor()};
  }

  std::optional<ops::LowRankUpdate> mlp(const Tensor& /*x*/) override { return std::nullopt; }

 private:
  Tensor up_;
  Tensor q_;
  Tensor core_;
};

class Law final : public Conditioning {
 public:
  Law(const ConditioningConfig& config, const Sites& sites, std::int64_t text_width)
      : heads_(config.generator_heads),
        rank_(config.update_rank()),
        scale_(config.variant == Variant::kReleased
                   ? scale_of_products(text_width / config.generator_heads)
                   : 1.0) {
    // Released shapes: the two shared matrices are kept as convolutions of width one.
    up_ = register_parameter("S", he_uniform({3 * sites.width, rank_, 1}));
    down_ = register_parameter("D", he_uniform({rank_, sites.width, 1}));
    layer_embedding_ =
        register_parameter("layer_embedding", he_uniform({sites.layers, 1, text_width}));
    register_module("proj", phis_);
    for (std::int64_t i = 0; i < sites.layers; ++i) phis_->push_back(make_phi(config, text_width));
  }

  std::unique_ptr<nn::LayerConditioner> layer(std::int64_t index,
                                              const TextFeatures& text) override {
    const Tensor context = attend(layer_embedding_.select(0, index).squeeze(0), text);  // [B, T]
    probe("conditioning.context", index, context);
    const Tensor m =
        phis_[index]->as<torch::nn::Sequential>()->forward(context).unflatten(-1, {rank_, rank_});
    probe("conditioning.m", index, m);
    return std::make_unique<LawLayer>(up_.squeeze(-1), down_.squeeze(-1), m);
  }

  std::unique_ptr<nn::BlockConditioner> block(std::int64_t /*index*/,
                                              const TextFeatures& /*text*/) override {
    return nullptr;
  }

 private:
  /// Multi-head attention of one query [T] over the text, keys and values the text itself.
  Tensor attend(const Tensor& query, const TextFeatures& text) const {
    const Tensor tokens = text.tokens.unflatten(-1, {heads_, -1});  // [B, L, heads, d]
    const Tensor logits = (tokens * query.unflatten(0, {heads_, -1})).sum(-1) * scale_;
    const Tensor weights =
        logits.masked_fill(text.padding.unsqueeze(-1), -std::numeric_limits<double>::infinity())
            .softmax(1);  // [B, L, heads]
    return (tokens * weights.unsqueeze(-1)).sum(1).flatten(1);
  }

  std::int64_t heads_;
  std::int64_t rank_;
  double scale_;
  Tensor up_;
  Tensor down_;
  Tensor layer_embedding_;
  torch::nn::ModuleList phis_;
};

}  // namespace

std::shared_ptr<Conditioning> make_law(const ConditioningConfig& config, const Sites& sites,
                                       std::int64_t text_width) {
  if (text_width % config.generator_heads != 0) {
    throw ConfigError(
        "model.conditioning.generator_heads {}: expected a divisor of the width of the text, {}",
        config.generator_heads, text_width);
  }
  return std::make_shared<Law>(config, sites, text_width);
}

}  // namespace referent::conditioning
