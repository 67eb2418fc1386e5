// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "referent/batch/features.h"
#include "referent/conditioning/conditioning.h"
#include "referent/encoders/config.h"

namespace referent::encoders {

/// Pictures to tokens. Any conditioning goes with any visual encoder, and any decoder reads it.
class VisualEncoder : public torch::nn::Module {
 public:
  /// images [B, 3, H, W], image_padding [B, H, W] bool; `conditioning` may be null.
  virtual VisualFeatures forward(const torch::Tensor& images, const torch::Tensor& image_padding,
                                 const TextFeatures& text,
                                 conditioning::Conditioning* conditioning) = 0;
};

/// What an encoder offers and gives, known from its configuration.
struct VisualShape {
  conditioning::Sites sites;  ///< where its weights may depend on the text
  std::int64_t width;         ///< of a token
  std::int64_t tokens;        ///< of a square picture
};

/// For square pictures of `image_size` pixels a side.
VisualShape visual_shape(const VisualEncoderConfig& config, std::int64_t image_size);

/// For square pictures of `image_size` pixels a side.
std::shared_ptr<VisualEncoder> make_visual_encoder(const VisualEncoderConfig& config,
                                                   std::int64_t image_size);

/// Which cells of a grid are padding, by the pixel at each cell's first corner as in DETR:
/// image_padding [B, H, W] bool -> [B, height, width] bool.
torch::Tensor cell_padding(const torch::Tensor& image_padding, std::int64_t height,
                           std::int64_t width);

}  // namespace referent::encoders
