// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/cat.h>

#include "attention.h"
#include "encoder_layer.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/nn/sine_position.h"
#include "visual_encoder.h"

namespace referent::inference {
namespace {

using torch::Tensor;

/// Cells along a side of the grid of a square picture.
std::int64_t cells_along(const encoders::VisualEncoderConfig& config, std::int64_t image_size) {
  return (image_size + config.backbone.stride() - 1) / config.backbone.stride();
}

/// See encoders::make_detr_encoder.
///
/// A single picture's tokens are sorted so that those on padding come last, which attention does
/// not mind. They are no keys, so they are simply left out of them; they are not read by anybody
/// either, so without gates that average over all tokens they leave altogether, and with such gates
/// they leave in the last layer. On a GPU all stay and are masked: their number would have to be
/// waited for.
class FrozenDetrEncoder final : public FrozenVisualEncoder {
 public:
  FrozenDetrEncoder(const Weights& weights, const encoders::VisualEncoderConfig& config,
                    std::int64_t image_size, const FrozenConditioning* conditioning,
                    Readers readers, const Target& target)
      : width_(config.transformer.width),
        readers_(readers),
        backbone_(weights["backbone"], config.backbone, conditioning, image_size, target),
        input_proj_(weights["input_proj"].get("weight", {width_, backbone_.channels(), 1, 1}),
                    weights["input_proj"].get("bias", {width_}),
                    {.side = cells_along(config, image_size)}, target),
        layers_(make_frozen_layers(weights["encoder.layers"], config.transformer, conditioning,
                                   target)) {
    if (conditioning == nullptr) return;
    attention_averages_ = conditioning->attention_averages();
    mlp_averages_ = conditioning->mlp_averages();
  }

  std::unique_ptr<Shared> share(const Tensor& images, const Tensor& image_padding) const override {
    auto state = std::make_unique<State>();
    state->backbone = backbone_.share(images);
    state->image_padding = image_padding;
    return state;
  }

  FrozenTokens finish(const Shared& shared, const TextFeatures& text, Reuse reuse) const override {
    const auto& state = dynamic_cast<const State&>(shared);
    const Tensor map = input_proj_(backbone_.finish(state.backbone, text, reuse));  // [B, D, h, w]
    const Tensor padding =
        encoders::cell_padding(state.image_padding, map.size(2), map.size(3));  // [B, h, w]
    FrozenTokens tokens;
    tokens.height = map.size(2);
    tokens.width = map.size(3);
    tokens.x = map.flatten(2).transpose(1, 2);  // [B, N, D]
    tokens.position = nn::sine_position(padding, width_).to(map.dtype());
    const Tensor keep = padding.flatten(1).logical_not();  // [B, N]
    std::int64_t valid = keep.size(1);
    if (keep.size(0) == 1 && readers_ == Readers::kValid && keep.is_cpu()) {
      valid = sort_valid_first(tokens, keep[0]);
    } else {
      tokens.keep = keep;
    }
    run_layers(tokens, valid, text);
    return tokens;
  }

 private:
  struct State final : Shared {
    FrozenResNet::Shared backbone;
    Tensor image_padding;
  };

  /// `valid` tokens come first and are the keys.
  void run_layers(FrozenTokens& tokens, std::int64_t valid, const TextFeatures& text) const {
    const Tensor mask =
        tokens.keep.defined() ? key_mask(tokens.keep, tokens.x.scalar_type()) : Tensor();
    const auto drop_others = [&](Tensor& rows) { rows = rows.narrow(1, 0, valid); };
    if (!attention_averages_ && !mlp_averages_) drop_others(tokens.x);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const bool last = i + 1 == layers_.size() && !mlp_averages_;
      const std::int64_t queries = last ? valid : tokens.x.size(1);
      tokens.x = layers_[i](tokens.x, tokens.position.narrow(1, 0, tokens.x.size(1)), mask, valid,
                            queries, text);
    }
    drop_others(tokens.x);
    drop_others(tokens.position);
  }

  /// Sorts the tokens of one picture, of which `keep` [N] are to stay, and returns their number.
  static std::int64_t sort_valid_first(FrozenTokens& tokens, const Tensor& keep) {
    const Tensor valid = keep.nonzero().squeeze(1);
    const Tensor order = at::cat({valid, keep.logical_not().nonzero().squeeze(1)});
    tokens.x = tokens.x.index_select(1, order);
    tokens.position = tokens.position.index_select(1, order);
    tokens.cells = valid;
    return valid.size(0);
  }

  std::int64_t width_;
  Readers readers_;
  FrozenResNet backbone_;
  FrozenConvolution input_proj_;
  std::vector<FrozenEncoderLayer> layers_;
  bool attention_averages_ = false;
  bool mlp_averages_ = false;
};

}  // namespace

std::unique_ptr<FrozenVisualEncoder> make_frozen_detr_encoder(
    const Weights& weights, const encoders::VisualEncoderConfig& config, std::int64_t image_size,
    const FrozenConditioning* conditioning, Readers readers, const Target& target) {
  return std::make_unique<FrozenDetrEncoder>(weights, config, image_size, conditioning, readers,
                                             target);
}

}  // namespace referent::inference
