// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "layers.h"
#include "referent/batch/features.h"
#include "referent/decoders/config.h"
#include "referent/decoders/decoder.h"
#include "visual_encoder.h"

namespace referent::inference {

/// Reads one vector a sample off the encoded tokens.
class FrozenDecoder {
 public:
  virtual ~FrozenDecoder() = default;

  /// Returns [B, D].
  virtual torch::Tensor operator()(const TextFeatures& text, const FrozenTokens& visual) const = 0;
};

std::unique_ptr<FrozenDecoder> make_frozen_decoder(const Weights& weights,
                                                   const decoders::DecoderConfig& config,
                                                   const decoders::DecoderShape& shape,
                                                   const Target& target);

/// An MLP whose four logits go through a sigmoid.
class FrozenBoxHead {
 public:
  FrozenBoxHead(const Weights& weights, const decoders::BoxHeadConfig& config, std::int64_t width,
                const Target& target);

  /// [B, D] -> [B, 4], float32 at least: cx, cy, w, h over the square, 0..1.
  torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  std::vector<FrozenLinear> layers_;
};

/// See decoders::MaskHead.
class FrozenMaskHead {
 public:
  FrozenMaskHead(const Weights& weights, const decoders::MaskHeadConfig& config,
                 std::int64_t visual_width, std::int64_t text_width, const Target& target);

  /// Logits [B, 1, height, width], float32 at least, of a picture of that size [pixels].
  torch::Tensor operator()(const TextFeatures& text, const FrozenTokens& visual,
                           std::int64_t height, std::int64_t width) const;

 private:
  FrozenLinear first_;  ///< to the four cells that a cell becomes
  FrozenLayerNorm norm_;
  torch::Tensor second_;       ///< [T, C * 4]
  torch::Tensor second_bias_;  ///< [T]
};

}  // namespace referent::inference
