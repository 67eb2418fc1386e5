// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include "referent/batch/features.h"
#include "referent/encoders/bert.h"

namespace referent::encoders {

/// BERT and, unless it is switched off, the projection of its output to the model's width.
class TextEncoderImpl : public torch::nn::Module {
 public:
  TextEncoderImpl(const TextEncoderConfig& config, std::int64_t width);

  /// tokens [B, L] int64, padding [B, L] bool; features of width(). The mean counts every token
  /// that is not padding, [CLS] and [SEP] included.
  TextFeatures forward(const torch::Tensor& tokens, const torch::Tensor& padding);

  /// Of a token: `width` of the constructor, BERT's own without projection.
  std::int64_t width() const { return width_; }

 private:
  std::int64_t width_;
  Bert bert_;
  torch::nn::Linear text_proj_{nullptr};
};
TORCH_MODULE(TextEncoder);

}  // namespace referent::encoders
