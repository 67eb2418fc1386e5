// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/reg_token_decoder.h"

#include <torch/nn/init.h>

#include "referent/batch/probe.h"
#include "referent/nn/encoder_layer.h"
#include "referent/nn/recompute.h"
#include "referent/nn/sine_position.h"

namespace referent::decoders {

using torch::Tensor;

RegTokenDecoder::RegTokenDecoder(const DecoderConfig& config, const DecoderShape& shape)
    : shape_(shape),
      position_in_values_(config.position_in_values),
      visu_proj_(shape.visual_width, config.transformer.width),
      reg_token_(1, config.transformer.width),
      vl_pos_embed_(1 + shape.text_tokens + shape.visual_tokens, config.transformer.width),
      layers_(nn::make_encoder_layers(config.transformer)) {
  register_module("visu_proj", visu_proj_);
  register_module("reg_token", reg_token_);
  register_module("vl_pos_embed", vl_pos_embed_);
  register_module("layers", layers_);
  torch::nn::init::normal_(reg_token_->weight, 0.0, config.embedding_deviation);
  torch::nn::init::normal_(vl_pos_embed_->weight, 0.0, config.embedding_deviation);
}

Tensor RegTokenDecoder::forward(const TextFeatures& text, const VisualFeatures& visual) {
  TORCH_CHECK(
      text.tokens.size(1) == shape_.text_tokens && visual.tokens.size(1) == shape_.visual_tokens,
      "the decoder was built for ", shape_.text_tokens, " text and ", shape_.visual_tokens,
      " visual tokens, got ", text.tokens.size(1), " and ", visual.tokens.size(1));
  const std::int64_t batch = visual.tokens.size(0);
  Tensor tokens = visual.tokens;
  if (position_in_values_) {
    const Tensor padding = visual.padding.unflatten(1, {visual.height, visual.width});
    tokens = tokens + nn::sine_position(padding, tokens.size(2)).to(tokens.dtype());
  }
  const Tensor projected = visu_proj_(tokens);  // [B, N, D]
  probe("decoder.visu_proj", projected);
  const Tensor reg = reg_token_->weight.unsqueeze(0).expand({batch, -1, -1});  // [B, 1, D]
  Tensor x = torch::cat({reg, text.tokens, projected}, 1);
  const Tensor padding =
      torch::cat({text.padding.new_zeros({batch, 1}), text.padding, visual.padding}, 1);
  const Tensor position = vl_pos_embed_->weight.unsqueeze(0);
  for (std::size_t i = 0; i < layers_->size(); ++i) {
    const auto layer = [=, this](const std::vector<Tensor>& in) {
      return layers_[i]->as<nn::EncoderLayer>()->forward(in[0], in[1], padding);
    };
    x = nn::forgetting(layer, {x, position});
    probe("decoder.layers", static_cast<std::int64_t>(i), x);
  }
  return x.select(1, 0);
}

}  // namespace referent::decoders
