// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "referent/batch/features.h"
#include "referent/decoders/config.h"

namespace referent::decoders {

/// What a decoder is built for besides its configuration.
struct DecoderShape {
  std::int64_t visual_width;
  std::int64_t visual_tokens;
  std::int64_t text_width;
  std::int64_t text_tokens;
};

/// Reads the answer off the encoded tokens: one vector a sample, for the box head.
class Decoder : public torch::nn::Module {
 public:
  /// Returns [B, width()].
  virtual torch::Tensor forward(const TextFeatures& text, const VisualFeatures& visual) = 0;
  virtual std::int64_t width() const = 0;
};

/// Throws ConfigError where the text does not have the width that the decoder works in.
std::shared_ptr<Decoder> make_decoder(const DecoderConfig& config, const DecoderShape& shape);

}  // namespace referent::decoders
