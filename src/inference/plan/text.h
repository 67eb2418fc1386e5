// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "layers.h"
#include "referent/batch/features.h"
#include "referent/encoders/config.h"

namespace referent::inference {

/// BERT and the projection of its output, without pooler.
class FrozenTextEncoder {
 public:
  /// `width` is that of the decoder, to which tokens are projected.
  FrozenTextEncoder(const Weights& weights, const encoders::TextEncoderConfig& config,
                    std::int64_t width, const Target& target);

  /// tokens [B, L] int64, padding [B, L] bool; `padding` undefined: all tokens are real.
  TextFeatures operator()(const torch::Tensor& tokens, const torch::Tensor& padding) const;

 private:
  struct Layer {
    Layer(const Weights& weights, const encoders::TextEncoderConfig& config, const Target& target);

    FrozenLinear qkv;
    FrozenLinear output;
    FrozenLayerNorm output_norm;
    FrozenLinear inner;
    FrozenLinear outer;
    FrozenLayerNorm outer_norm;
  };

  std::int64_t heads_;
  torch::Tensor words_;      ///< [V, D]
  torch::Tensor positions_;  ///< [P, D], the type of the tokens added
  FrozenLayerNorm norm_;
  std::vector<Layer> layers_;
  std::optional<FrozenLinear> projection_;
};

}  // namespace referent::inference
