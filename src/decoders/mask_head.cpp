// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/mask_head.h"

#include "referent/batch/probe.h"

namespace referent::decoders {
namespace {

using torch::Tensor;

constexpr double kNormEpsilon = 1e-6;

torch::nn::ConvTranspose2d doubling(std::int64_t input, std::int64_t output) {
  return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(input, output, 2).stride(2));
}

}  // namespace

MaskHeadImpl::MaskHeadImpl(const MaskHeadConfig& config, std::int64_t visual_width,
                           std::int64_t text_width)
    : first_(doubling(visual_width, config.width)),
      norm_(torch::nn::LayerNormOptions({config.width}).eps(kNormEpsilon)),
      second_(doubling(config.width, text_width)) {
  // Indices of the released sequence, whose third is the activation.
  register_module("0", first_);
  register_module("1", norm_);
  register_module("3", second_);
}

Tensor MaskHeadImpl::forward(const TextFeatures& text, const VisualFeatures& visual,
                             std::int64_t height, std::int64_t width) {
  const Tensor grid = visual.tokens.transpose(1, 2).unflatten(2, {visual.height, visual.width});
  const Tensor wide = first_(grid).permute({0, 2, 3, 1});  // [B, 2h, 2w, C]
  const Tensor pixels = second_(torch::gelu(norm_(wide)).permute({0, 3, 1, 2}));
  probe("mask_head.pixels", pixels);                           // [B, T, 4h, 4w]
  const Tensor query = text.tokens.select(1, 0).unsqueeze(1);  // [B, 1, T]
  const Tensor logits =
      at::matmul(query, pixels.flatten(2)).unflatten(2, {pixels.size(2), pixels.size(3)});
  probe("mask_head.quarter", logits);
  return at::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/true);
}

}  // namespace referent::decoders
