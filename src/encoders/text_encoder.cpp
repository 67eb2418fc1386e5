// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/text_encoder.h"

#include "referent/batch/probe.h"

namespace referent::encoders {

using torch::Tensor;

TextEncoderImpl::TextEncoderImpl(const TextEncoderConfig& config, std::int64_t width)
    : width_(config.projection ? width : config.width), bert_(config) {
  register_module("bert", bert_);
  if (config.projection) {
    text_proj_ = register_module("text_proj", torch::nn::Linear(config.width, width));
  }
}

TextFeatures TextEncoderImpl::forward(const Tensor& tokens, const Tensor& padding) {
  const Tensor hidden = bert_(tokens, padding);
  probe("text_encoder.bert", hidden);
  const Tensor projected = text_proj_.is_empty() ? hidden : text_proj_(hidden);  // [B, L, D]
  probe("text_encoder.text_proj", projected);
  const Tensor real = padding.logical_not().unsqueeze(-1).to(projected.dtype());
  const Tensor mean = (projected * real).sum(1) / real.sum(1).clamp_min(1e-9);  // [B, D]
  probe("text_encoder.mean", mean);
  return {projected, padding, mean};
}

}  // namespace referent::encoders
