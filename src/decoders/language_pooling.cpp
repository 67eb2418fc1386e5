// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/language_pooling.h"

#include <cmath>

#include "referent/batch/probe.h"

namespace referent::decoders {

using torch::Tensor;

LanguagePooling::LanguagePooling(const DecoderConfig& config, const DecoderShape& shape)
    : width_(shape.visual_width),
      q_proj_(shape.text_width, config.attention_width),
      k_proj_(shape.visual_width, config.attention_width) {
  register_module("q_proj", q_proj_);
  register_module("k_proj", k_proj_);
}

Tensor LanguagePooling::forward(const TextFeatures& text, const VisualFeatures& visual) {
  const Tensor query = q_proj_(text.tokens.select(1, 0)).unsqueeze(1);  // [B, 1, A]
  const Tensor keys = k_proj_(visual.tokens);                           // [B, N, A]
  const double scale = 1.0 / std::sqrt(static_cast<double>(keys.size(-1)));
  const Tensor attention = (at::matmul(query, keys.transpose(1, 2)) * scale).softmax(-1);
  probe("decoder.attention", attention);  // [B, 1, N]
  const Tensor pooled = at::matmul(attention, visual.tokens).squeeze(1);
  probe("decoder.pooled", pooled);
  return pooled;
}

}  // namespace referent::decoders
