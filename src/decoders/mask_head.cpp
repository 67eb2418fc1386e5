// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/mask_head.h"

#include "referent/batch/probe.h"

namespace referent::decoders {
namespace {

using torch::Tensor;

torch::nn::ConvTranspose2d doubling(std::int64_t input, std::int64_t output) {
  return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(input, output, 2).stride(2));
}

/// A transposed convolution of kernel and stride 2, in which no outputs overlap, as one matrix
/// product: x [B, h, w, C], weight [C, O, 2, 2] -> [B, 2h, 2w, O], without the bias.
Tensor double_grid(const Tensor& x, const Tensor& weight) {
  const Tensor matrix = weight.permute({0, 2, 3, 1}).flatten(1);  // [C, 2 * 2 * O]
  return at::matmul(x, matrix)
      .unflatten(-1, {2, 2, weight.size(1)})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({x.size(0), 2 * x.size(1), 2 * x.size(2), weight.size(1)});
}

}  // namespace

MaskHeadImpl::MaskHeadImpl(const MaskHeadConfig& config, std::int64_t visual_width,
                           std::int64_t text_width)
    : first_(doubling(visual_width, config.width)),
      norm_(torch::nn::LayerNormOptions({config.width}).eps(kMaskHeadNormEpsilon)),
      second_(doubling(config.width, text_width)) {
  // Indices of the released sequence, whose third is the activation.
  register_module("0", first_);
  register_module("1", norm_);
  register_module("3", second_);
}

Tensor MaskHeadImpl::forward(const TextFeatures& text, const VisualFeatures& visual,
                             std::int64_t height, std::int64_t width) {
  const Tensor grid = visual.tokens.unflatten(1, {visual.height, visual.width});
  const Tensor x = torch::gelu(norm_(double_grid(grid, first_->weight) + first_->bias));
  const Tensor query = text.tokens.select(1, 0);  // [B, T]
  if (probing()) {
    const Tensor pixels = double_grid(x, second_->weight) + second_->bias;
    probe("mask_head.pixels", pixels.permute({0, 3, 1, 2}));  // [B, T, 4h, 4w]
  }
  // query . (W x + b) = (query W) x + query . b: the pixels' T channels are never formed.
  const Tensor matrix = second_->weight.permute({1, 0, 2, 3}).flatten(1);        // [T, C * 2 * 2]
  const Tensor kernel = at::matmul(query, matrix).unflatten(1, {x.size(3), 4});  // [B, C, 4]
  const Tensor logits =
      (at::bmm(x.flatten(1, 2), kernel) + at::matmul(query, second_->bias).view({-1, 1, 1}))
          .unflatten(1, {x.size(1), x.size(2)})
          .unflatten(3, {2, 2})
          .permute({0, 1, 3, 2, 4})
          .reshape({x.size(0), 1, 2 * x.size(1), 2 * x.size(2)});
  probe("mask_head.quarter", logits);
  return at::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/true);
}

}  // namespace referent::decoders
