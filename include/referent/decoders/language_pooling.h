// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/linear.h>

#include "referent/decoders/decoder.h"

namespace referent::decoders {

/// VG-LAW's language-adaptive pooling (CVPR 2023, section 3.3): one-head attention whose query is
/// the projected first token of the text and whose keys are the projected visual tokens; the values
/// are the visual tokens themselves. Padding is attended to, as in the released code.
class LanguagePooling final : public Decoder {
 public:
  LanguagePooling(const DecoderConfig& config, const DecoderShape& shape);

  torch::Tensor forward(const TextFeatures& text, const VisualFeatures& visual) override;
  std::int64_t width() const override { return width_; }

 private:
  std::int64_t width_;
  torch::nn::Linear q_proj_;
  torch::nn::Linear k_proj_;
};

}  // namespace referent::decoders
