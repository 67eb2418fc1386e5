// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>

#include "referent/batch/features.h"
#include "referent/decoders/config.h"

namespace referent::decoders {

/// Of the layer norm between the two upsampling convolutions.
constexpr double kMaskHeadNormEpsilon = 1e-6;

/// VG-LAW's mask head (CVPR 2023, section 3.3): the visual tokens' grid, upsampled four times by
/// two transposed convolutions to the width of the text, dotted with the text's first token at
/// every cell, and resized to the picture.
class MaskHeadImpl : public torch::nn::Module {
 public:
  MaskHeadImpl(const MaskHeadConfig& config, std::int64_t visual_width, std::int64_t text_width);

  /// Logits [B, 1, height, width] of the mask of a picture of that size [pixels].
  torch::Tensor forward(const TextFeatures& text, const VisualFeatures& visual, std::int64_t height,
                        std::int64_t width);

 private:
  torch::nn::ConvTranspose2d first_;
  torch::nn::LayerNorm norm_;
  torch::nn::ConvTranspose2d second_;
};
TORCH_MODULE(MaskHead);

}  // namespace referent::decoders
