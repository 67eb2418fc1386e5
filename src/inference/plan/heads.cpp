// SPDX-License-Identifier: Apache-2.0
#include "heads.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <cmath>

#include "attention.h"
#include "encoder_layer.h"
#include "referent/decoders/mask_head.h"

namespace referent::inference {
namespace {

using torch::Tensor;

/// What leaves a plan has the precision of pixels of a large picture.
Tensor at_least_float(const Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32);
}

constexpr std::int64_t kKeys = 8;

/// See decoders::RegTokenDecoder. The last layer computes the REG row alone.
class FrozenRegTokenDecoder final : public FrozenDecoder {
 public:
  FrozenRegTokenDecoder(const Weights& weights, const decoders::DecoderConfig& config,
                        const decoders::DecoderShape& shape, const Target& target)
      : text_tokens_(shape.text_tokens),
        position_in_values_(config.position_in_values),
        visu_proj_(weights["visu_proj"], shape.visual_width, config.transformer.width, target),
        layers_(make_frozen_layers(weights["layers"], config.transformer,
                                   /*conditioning=*/nullptr, target)) {
    const std::int64_t width = config.transformer.width;
    reg_token_ =
        target.place(weights["reg_token"].get("weight", {1, width})).unsqueeze(0);  // [1, 1, D]
    position_ = target.place(weights["vl_pos_embed"].get(
        "weight", {1 + shape.text_tokens + shape.visual_tokens, width}));
  }

  Tensor operator()(const TextFeatures& text, const FrozenTokens& visual) const override {
    const std::int64_t batch = visual.x.size(0);
    const std::int64_t words = text.tokens.size(1);
    const Tensor projected =
        visu_proj_(position_in_values_ ? visual.x + visual.position : visual.x);
    std::vector<Tensor> rows{reg_token_.expand({batch, -1, -1}), text.tokens, projected};
    std::vector<Tensor> keep_rows = mask_rows(text, visual);
    const Tensor of_cells =
        position_.narrow(0, 1 + text_tokens_, position_.size(0) - 1 - text_tokens_);
    std::vector<Tensor> positions{
        position_.narrow(0, 0, 1 + words),
        visual.cells.defined() ? of_cells.index_select(0, visual.cells) : of_cells};
    // A GPU's attention runs at twice the speed over a multiple of eight keys.
    const std::int64_t count = 1 + words + projected.size(1);
    if (const std::int64_t missing = (kKeys - count % kKeys) % kKeys;
        projected.is_cuda() && missing > 0 && !keep_rows.empty()) {
      rows.push_back(projected.new_zeros({batch, missing, projected.size(2)}));
      positions.push_back(of_cells.new_zeros({missing, of_cells.size(1)}));
      keep_rows.push_back(projected.new_zeros({batch, missing}, torch::kBool));
    }
    Tensor x = at::cat(rows, 1);
    const Tensor position = at::cat(positions).unsqueeze(0);
    const Tensor keep =
        keep_rows.empty() ? Tensor() : key_mask(at::cat(keep_rows, 1), x.scalar_type());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::int64_t queries = i + 1 == layers_.size() ? 1 : x.size(1);
      x = layers_[i](x, position, keep, x.size(1), queries, text);
    }
    return x.select(1, 0);
  }

 private:
  /// REG, text and cells [B, N] each; empty where nothing is padding.
  static std::vector<Tensor> mask_rows(const TextFeatures& text, const FrozenTokens& visual) {
    if (!text.padding.defined() && !visual.keep.defined()) return {};
    const std::int64_t batch = visual.x.size(0);
    const auto all = [&](std::int64_t count) {
      return visual.x.new_ones({batch, count}, torch::kBool);
    };
    const Tensor of_text =
        text.padding.defined() ? text.padding.logical_not() : all(text.tokens.size(1));
    return {all(1), of_text, visual.keep.defined() ? visual.keep : all(visual.x.size(1))};
  }

  std::int64_t text_tokens_;
  bool position_in_values_;
  FrozenLinear visu_proj_;
  std::vector<FrozenEncoderLayer> layers_;
  Tensor reg_token_;
  Tensor position_;
};

/// See decoders::LanguagePooling.
class FrozenLanguagePooling final : public FrozenDecoder {
 public:
  FrozenLanguagePooling(const Weights& weights, const decoders::DecoderConfig& config,
                        const decoders::DecoderShape& shape, const Target& target)
      : q_proj_(weights["q_proj"], shape.text_width, config.attention_width, target),
        k_proj_(weights["k_proj"], shape.visual_width, config.attention_width, target) {}

  Tensor operator()(const TextFeatures& text, const FrozenTokens& visual) const override {
    const Tensor query = q_proj_(text.tokens.narrow(1, 0, 1));  // [B, 1, A]
    const Tensor keys = k_proj_(visual.x);                      // [B, N, A]
    const double scale = 1.0 / std::sqrt(static_cast<double>(keys.size(-1)));
    const Tensor weights = (at::bmm(query, keys.transpose(1, 2)) * scale).softmax(-1);
    return at::bmm(weights, visual.x).squeeze(1);
  }

 private:
  FrozenLinear q_proj_;
  FrozenLinear k_proj_;
};

/// A transposed convolution of kernel and stride 2 as a linear layer to the 2 x 2 cells that a cell
/// becomes: weight [C, O, 2, 2] -> [4 O, C].
FrozenLinear doubling(const Weights& weights, std::int64_t input, std::int64_t output,
                      const Target& target) {
  const Tensor weight = weights.get("weight", {input, output, 2, 2});
  return {weight.permute({2, 3, 1, 0}).reshape({4 * output, input}),
          weights.get("bias", {output}).repeat({4}), target};
}

/// [B, h, w, 4 O] -> [B, 2 h, 2 w, O].
Tensor spread(const Tensor& x) {
  return x.unflatten(-1, {2, 2, -1})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({x.size(0), 2 * x.size(1), 2 * x.size(2), x.size(3) / 4});
}

}  // namespace

std::unique_ptr<FrozenDecoder> make_frozen_decoder(const Weights& weights,
                                                   const decoders::DecoderConfig& config,
                                                   const decoders::DecoderShape& shape,
                                                   const Target& target) {
  if (config.type == "language_pooling") {
    return std::make_unique<FrozenLanguagePooling>(weights, config, shape, target);
  }
  return std::make_unique<FrozenRegTokenDecoder>(weights, config, shape, target);
}

FrozenBoxHead::FrozenBoxHead(const Weights& weights, const decoders::BoxHeadConfig& config,
                             std::int64_t width, const Target& target) {
  const std::int64_t hidden = config.hidden.value_or(width);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const bool last = i + 1 == config.layers;
    layers_.emplace_back(weights["layers"][std::to_string(i)], i == 0 ? width : hidden,
                         last ? 4 : hidden, target, last ? Activation::kNone : Activation::kRelu);
  }
}

Tensor FrozenBoxHead::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const FrozenLinear& layer : layers_) y = layer(y);
  return at_least_float(y).sigmoid();
}

FrozenMaskHead::FrozenMaskHead(const Weights& weights, const decoders::MaskHeadConfig& config,
                               std::int64_t visual_width, std::int64_t text_width,
                               const Target& target)
    : first_(doubling(weights["0"], visual_width, config.width, target)),
      norm_(weights["1"], config.width, decoders::kMaskHeadNormEpsilon, target) {
  const Tensor weight = weights["3"].get("weight", {config.width, text_width, 2, 2});
  second_ = target.place(weight.permute({1, 0, 2, 3}).flatten(1));
  second_bias_ = target.place(weights["3"].get("bias", {text_width}));
}

Tensor FrozenMaskHead::operator()(const TextFeatures& text, const FrozenTokens& visual,
                                  std::int64_t height, std::int64_t width) const {
  const Tensor grid = visual.x.unflatten(1, {visual.height, visual.width});
  const Tensor x = at::gelu(norm_(spread(first_(grid))));
  const Tensor query = text.tokens.select(1, 0);                                  // [B, T]
  const Tensor kernel = at::matmul(query, second_).unflatten(1, {x.size(3), 4});  // [B, C, 4]
  const Tensor logits =
      (at::bmm(x.flatten(1, 2), kernel) + at::matmul(query, second_bias_).view({-1, 1, 1}))
          .unflatten(1, {x.size(1), x.size(2)});
  const Tensor quarter = at_least_float(spread(logits).permute({0, 3, 1, 2}));
  return at::upsample_bilinear2d(quarter.contiguous(), {height, width}, /*align_corners=*/true);
}

}  // namespace referent::inference
