// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

#include "referent/decoders/decoder.h"

namespace referent::decoders {

/// TransVG's visual-linguistic transformer (ICCV 2021, section 3.3): a learned [REG] token, the
/// text tokens and the projected visual tokens, in this order, with one learned position each,
/// through encoder layers.
class RegTokenDecoder final : public Decoder {
 public:
  RegTokenDecoder(const DecoderConfig& config, const DecoderShape& shape);

  /// Returns the REG token's output [B, D]. Throws c10::Error when the token counts are not those
  /// it was built for.
  torch::Tensor forward(const TextFeatures& text, const VisualFeatures& visual) override;
  std::int64_t width() const override { return visu_proj_->options.out_features(); }

 private:
  DecoderShape shape_;
  bool position_in_values_;
  torch::nn::Linear visu_proj_;
  torch::nn::Embedding reg_token_;
  torch::nn::Embedding vl_pos_embed_;
  torch::nn::ModuleList layers_;
};

}  // namespace referent::decoders
