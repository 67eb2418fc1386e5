// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>

#include "referent/encoders/config.h"

namespace referent::encoders {

/// BERT (Devlin et al. 2019) as pytorch_pretrained_bert 0.6.2 builds it: GELU by erf, LayerNorm eps
/// 1e-12, padding by -10000 added to the scores. Parameter names are that package's.
class BertImpl : public torch::nn::Module {
 public:
  explicit BertImpl(const TextEncoderConfig& config);

  /// tokens [B, L] int64 and padding [B, L] bool (true = padding) to the last layer's output
  /// [B, L, width].
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& padding);

 private:
  torch::nn::ModuleList layers_;
  torch::nn::Embedding word_embeddings_{nullptr};
  torch::nn::Embedding position_embeddings_{nullptr};
  torch::nn::Embedding token_type_embeddings_{nullptr};
  torch::nn::LayerNorm embedding_norm_{nullptr};
  double dropout_;
};
TORCH_MODULE(Bert);

}  // namespace referent::encoders
