// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn.h>

#include "referent/batch/features.h"
#include "referent/decoders/config.h"

namespace referent::decoders {

/// What a decoder is built for besides its configuration.
struct DecoderShape {
  std::int64_t visual_width;
  std::int64_t visual_tokens;
  std::int64_t text_tokens;
};

/// TransVG's visual-linguistic transformer (ICCV 2021, section 3.3): a learned [REG] token, the
/// text tokens and the projected visual tokens, in this order, with one learned position each,
/// through encoder layers.
class RegTokenDecoderImpl : public torch::nn::Module {
 public:
  RegTokenDecoderImpl(const DecoderConfig& config, const DecoderShape& shape);

  /// Returns the REG token's output [B, D]. Throws c10::Error when the token counts are not those
  /// it was built for.
  torch::Tensor forward(const TextFeatures& text, const VisualFeatures& visual);

 private:
  DecoderShape shape_;
  bool position_in_values_;
  torch::nn::Linear visu_proj_;
  torch::nn::Embedding reg_token_;
  torch::nn::Embedding vl_pos_embed_;
  torch::nn::ModuleList layers_;
};
TORCH_MODULE(RegTokenDecoder);

}  // namespace referent::decoders
