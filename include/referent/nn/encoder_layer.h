// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "referent/nn/attention.h"
#include "referent/nn/config.h"

namespace referent::nn {

/// DETR's encoder layer, post-norm as published:
///
///     h = LN1(x + attention(x + position, x + position, x))
///     y = LN2(h + linear2(relu(linear1(h))))
///
/// With `norm_first` pre-norm (`normalize_before` in DETR's code):
///
///     n = LN1(x),  h = x + attention(n + position, n + position, n)
///     y = h + linear2(relu(linear1(LN2(h))))
class EncoderLayerImpl : public torch::nn::Module {
 public:
  explicit EncoderLayerImpl(const TransformerConfig& config);

  /// Shapes as SelfAttention; returns [B, N, D].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& position,
                        const torch::Tensor& padding, LayerConditioner* conditioner = nullptr);

 private:
  double dropout_;
  bool norm_first_;
  SelfAttention self_attn_;
  torch::nn::Linear linear1_;
  torch::nn::Linear linear2_;
  torch::nn::LayerNorm norm1_;
  torch::nn::LayerNorm norm2_;
};
TORCH_MODULE(EncoderLayer);

/// `config.layers` encoder layers, to be registered under the owner's name ("layers.0", ...).
torch::nn::ModuleList make_encoder_layers(const TransformerConfig& config);

}  // namespace referent::nn
