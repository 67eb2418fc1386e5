// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/bert.h"

#include <torch/nn/init.h>

#include "referent/nn/attention.h"
#include "referent/nn/dropout.h"
#include "referent/nn/recompute.h"

namespace referent::encoders {
namespace {

using torch::Tensor;

constexpr double kInitialDeviation = 0.02;
constexpr double kPaddingScore = -10000.0;

torch::nn::LayerNorm layer_norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-12));
}

torch::nn::Linear linear(std::int64_t input, std::int64_t output) {
  torch::nn::Linear layer(input, output);
  torch::nn::init::normal_(layer->weight, 0.0, kInitialDeviation);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

torch::nn::Embedding embedding(std::int64_t rows, std::int64_t width,
                               double deviation = kInitialDeviation,
                               std::optional<std::int64_t> padding_row = std::nullopt) {
  torch::nn::EmbeddingOptions options(rows, width);
  options.padding_idx(padding_row);
  torch::nn::Embedding table(options);
  torch::nn::init::normal_(table->weight, 0.0, deviation);
  return table;
}

/// LayerNorm(x + dropout(dense(y))): the end of both halves of a layer.
struct ResidualOutput : torch::nn::Module {
  ResidualOutput(std::int64_t input, std::int64_t width, double rate)
      : dense(register_module("dense", linear(input, width))),
        norm(register_module("LayerNorm", layer_norm(width))),
        dropout(rate) {}

  Tensor forward(const Tensor& y, const Tensor& x) {
    return norm(x + nn::dropout(dense(y), dropout, is_training()));
  }

  torch::nn::Linear dense;
  torch::nn::LayerNorm norm;
  double dropout;
};

struct Projections : torch::nn::Module {
  explicit Projections(std::int64_t width)
      : query(register_module("query", linear(width, width))),
        key(register_module("key", linear(width, width))),
        value(register_module("value", linear(width, width))) {}

  torch::nn::Linear query, key, value;
};

struct Layer : torch::nn::Module {
  explicit Layer(const TextEncoderConfig& config)
      : heads(config.heads),
        dropout(config.dropout),
        projections(std::make_shared<Projections>(config.width)),
        attention_output(
            std::make_shared<ResidualOutput>(config.width, config.width, config.dropout)),
        intermediate(linear(config.width, config.feedforward)),
        output(std::make_shared<ResidualOutput>(config.feedforward, config.width, config.dropout)) {
    const auto attention = register_module("attention", std::make_shared<torch::nn::Module>());
    attention->register_module("self", projections);
    attention->register_module("output", attention_output);
    register_module("intermediate", std::make_shared<torch::nn::Module>())
        ->register_module("dense", intermediate);
    register_module("output", output);
  }

  /// x [B, L, D]; scores [B, 1, 1, L] added to the attention scores.
  Tensor forward(const Tensor& x, const Tensor& scores) {
    const Tensor attended =
        nn::multi_head_attention(projections->query(x), projections->key(x), projections->value(x),
                                 scores, heads, is_training() ? dropout : 0.0);
    const Tensor h = attention_output->forward(attended, x);
    return output->forward(torch::gelu(intermediate(h)), h);
  }

  std::int64_t heads;
  double dropout;
  std::shared_ptr<Projections> projections;
  std::shared_ptr<ResidualOutput> attention_output;
  torch::nn::Linear intermediate;
  std::shared_ptr<ResidualOutput> output;
};

}  // namespace

BertImpl::BertImpl(const TextEncoderConfig& config) : dropout_(config.dropout) {
  word_embeddings_ = embedding(config.vocabulary_size, config.width, config.embedding_deviation,
                               /*padding_row=*/0);
  position_embeddings_ = embedding(config.positions, config.width);
  token_type_embeddings_ = embedding(2, config.width);
  embedding_norm_ = layer_norm(config.width);
  const auto embeddings = register_module("embeddings", std::make_shared<Module>());
  embeddings->register_module("word_embeddings", word_embeddings_);
  embeddings->register_module("position_embeddings", position_embeddings_);
  embeddings->register_module("token_type_embeddings", token_type_embeddings_);
  embeddings->register_module("LayerNorm", embedding_norm_);

  register_module("encoder", std::make_shared<Module>())->register_module("layer", layers_);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    layers_->push_back(std::make_shared<Layer>(config));
  }
  if (config.pooler) {
    register_module("pooler", std::make_shared<Module>())
        ->register_module("dense", linear(config.width, config.width));
  }
}

Tensor BertImpl::forward(const Tensor& tokens, const Tensor& padding) {
  const Tensor position = position_embeddings_->weight.narrow(0, 0, tokens.size(1));
  const Tensor type = token_type_embeddings_->weight.select(0, 0);
  Tensor x = embedding_norm_(word_embeddings_(tokens) + position + type);  // [B, L, D]
  x = nn::dropout(x, dropout_, is_training());
  const Tensor scores = padding.to(x.dtype()).mul(kPaddingScore).unsqueeze(1).unsqueeze(1);
  for (const auto& layer : *layers_) {
    x = nn::forgetting(
        [layer, scores](const auto& in) { return layer->as<Layer>()->forward(in[0], scores); },
        {x});
  }
  return x;
}

}  // namespace referent::encoders
