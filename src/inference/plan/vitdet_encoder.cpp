// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>

#include <algorithm>

#include "attention.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/nn/relative_position.h"
#include "referent/nn/sine_position.h"
#include "referent/nn/window.h"
#include "relative_scores.h"
#include "visual_encoder.h"

namespace referent::inference {
namespace {

using torch::Tensor;

/// See nn::VitBlock.
class FrozenVitBlock {
 public:
  FrozenVitBlock(const Weights& weights, const encoders::VitConfig& config, std::int64_t index,
                 std::int64_t grid, const FrozenConditioning* conditioning, const Target& target)
      : width_(config.width),
        heads_(config.heads),
        norm1_(weights["norm1"], config.width, config.norm_epsilon, target),
        proj_(weights["attn.proj"], config.width, config.width, target),
        norm2_(weights["norm2"], config.width, config.norm_epsilon, target),
        fc1_(weights["mlp.fc1"], config.width, config.mlp_width(), target, Activation::kGelu),
        fc2_(weights["mlp.fc2"], config.mlp_width(), config.width, target) {
    const auto& global = config.global_layers;
    if (std::find(global.begin(), global.end(), index) == global.end()) window_ = config.window;
    const std::int64_t side = window_ > 0 ? window_ : grid;
    const Weights attention = weights["attn"];
    const std::int64_t depth = width_ / heads_;
    const Tensor by_row = attention.get("rel_pos_h", {2 * side - 1, depth});
    const Tensor by_column = attention.get("rel_pos_w", {2 * side - 1, depth});
    if (target.device.is_cuda() && c10::elementSize(target.dtype) == 2) {
      scores_.emplace(by_row, by_column, side, target);
    } else {
      // What a query is multiplied by to score its offset to each row (column): [side, side, d].
      rows_ = target.place(nn::relative_positions(by_row, side, side));
      columns_ = target.place(nn::relative_positions(by_column, side, side));
    }

    const Tensor weight = attention["qkv"].get("weight", {3 * width_, width_});
    const Tensor bias = attention["qkv"].get("bias", {3 * width_});
    bias_ = target.place(bias);
    if (conditioning == nullptr) {
      qkv_.emplace(weight, padded(grid) ? Tensor() : bias, target);
      return;
    }
    update_ = conditioning->attention(index, weight);
    mlp_update_ = conditioning->mlp(index);
    const Tensor down_bias = bias.new_zeros({update_->down.size(0)});
    qkv_.emplace(at::cat({weight, update_->down}),
                 padded(grid) ? Tensor() : at::cat({bias, down_bias}), target);
  }

  /// x [B, h, w, D].
  Tensor operator()(const Tensor& x, const TextFeatures& text) const {
    const auto [h, input] = norm2_.sum_and_norm(proj_, attend(norm1_(x), text), x);
    const Tensor y = fc2_.plus(fc1_(input), h);
    if (mlp_update_) {
      const Tensor tokens = input.flatten(1, 2);
      add_update(y.flatten(1, 2), mlp_update_->down(tokens), mlp_update_->core(tokens, text),
                 mlp_update_->up);
    }
    return y;
  }

 private:
  bool padded(std::int64_t grid) const { return window_ > 0 && grid % window_ != 0; }

  /// Without the output projection.
  Tensor attend(const Tensor& x, const TextFeatures& text) const {
    const std::int64_t height = x.size(1);
    const std::int64_t width = x.size(2);
    const Tensor tokens = x.flatten(1, 2);  // [B, N, D]
    const Tensor projected = qkv_.value()(tokens);
    Tensor qkv = projected.narrow(2, 0, 3 * width_);
    if (update_) {
      const Tensor z = projected.narrow(2, 3 * width_, update_->down.size(0));
      const Tensor core = update_->core(tokens, text);
      add_update(qkv.narrow(2, 0, 2 * width_), z, core, update_->up_query_key);
      if (update_->up_value.defined()) {
        add_update(qkv.narrow(2, 2 * width_, width_), z, core, update_->up_value);
      }
    }
    qkv = qkv.unflatten(1, {height, width});
    std::optional<Tensor> y;  // [B', h', w', D]
    if (scores_) y = scores_->attend_windows(qkv, heads_);
    if (!y) {
      if (window_ > 0) qkv = nn::partition_windows(qkv, window_);
      if (padded(height) || padded(width)) qkv = qkv + bias_;
      y = attend_grid(qkv);
    }
    return window_ > 0 ? nn::join_windows(*y, height, width) : *y;
  }

  /// qkv [B', h, w, 3 D] -> [B', h, w, D].
  Tensor attend_grid(const Tensor& qkv) const {
    const std::int64_t height = qkv.size(1);
    const std::int64_t width = qkv.size(2);
    const auto part = qkv.flatten(1, 2).chunk(3, -1);  // [B', N, D] each
    if (scores_) return scores_->attend(part, heads_).unflatten(1, {height, width});
    const Tensor grid = part[0]
                            .unflatten(-1, {heads_, -1})
                            .transpose(1, 2)
                            .unflatten(2, {height, width});         // [B', heads, h, w, d]
    const Tensor by_row = at::matmul(grid, rows_.transpose(1, 2));  // [B', heads, h, w, h]
    const Tensor by_column = at::matmul(grid.transpose(2, 3), columns_.transpose(1, 2))
                                 .transpose(2, 3);  // [B', heads, h, w, w]
    const Tensor scores = (by_row.unsqueeze(-1) + by_column.unsqueeze(-2))
                              .flatten(-2)
                              .flatten(2, 3);  // [B', heads, N, N]
    return attention(part[0], part[1], part[2], scores, heads_).unflatten(1, {height, width});
  }

  std::int64_t width_;
  std::int64_t heads_;
  std::int64_t window_ = 0;  ///< 0: global
  FrozenLayerNorm norm1_;
  std::optional<FrozenLinear> qkv_;  ///< with the rows that make an update's low-rank input
  Tensor bias_;                      ///< of qkv, for cells that pad a window
  Tensor rows_;
  Tensor columns_;
  std::optional<RelativeScores> scores_;  ///< in their place
  std::optional<FrozenAttentionUpdate> update_;
  FrozenLinear proj_;
  FrozenLayerNorm norm2_;
  FrozenLinear fc1_;
  FrozenLinear fc2_;
  std::optional<FrozenMlpUpdate> mlp_update_;
};

/// See encoders::make_vitdet_encoder. Only the patches are shared: the first block is conditioned.
class FrozenVitdetEncoder final : public FrozenVisualEncoder {
 public:
  FrozenVitdetEncoder(const Weights& weights, const encoders::VitConfig& config,
                      std::int64_t image_size, bool positions,
                      const FrozenConditioning* conditioning, const Target& target)
      : conditioned_(conditioning != nullptr),
        positions_(positions),
        width_(config.width),
        patches_(weights["patch_embed.proj"].get("weight", {width_, 3, config.patch, config.patch}),
                 weights["patch_embed.proj"].get("bias", {width_}),
                 {.side = image_size, .stride = config.patch}, target) {
    const std::int64_t side = config.pretrain_size / config.patch;
    const std::int64_t grid = image_size / config.patch;
    position_ =
        target.place(nn::absolute_positions(weights.get("pos_embed", {1, 1 + side * side, width_}),
                                            /*has_class_token=*/true, grid, grid));
    for (std::int64_t i = 0; i < config.layers; ++i) {
      blocks_.emplace_back(weights[fmt::format("blocks.{}", i)], config, i, grid, conditioning,
                           target);
    }
  }

  std::unique_ptr<Shared> share(const Tensor& images, const Tensor& image_padding) const override {
    auto state = std::make_unique<State>();
    state->x = patches_(images).permute({0, 2, 3, 1}) + position_;  // [B, h, w, D]
    state->padding = encoders::cell_padding(image_padding, state->x.size(1), state->x.size(2));
    if (!conditioned_) state->x = run_blocks(state->x, {});
    return state;
  }

  FrozenTokens finish(const Shared& shared, const TextFeatures& text,
                      Reuse /*reuse*/) const override {
    const auto& state = dynamic_cast<const State&>(shared);
    FrozenTokens tokens;
    tokens.height = state.x.size(1);
    tokens.width = state.x.size(2);
    tokens.x = (conditioned_ ? run_blocks(state.x, text) : state.x).flatten(1, 2);
    tokens.keep = state.padding.flatten(1).logical_not();
    if (positions_) {
      tokens.position = nn::sine_position(state.padding, width_).to(tokens.x.dtype());
    }
    return tokens;
  }

 private:
  struct State final : Shared {
    Tensor x;
    Tensor padding;  ///< [B, h, w] bool
  };

  Tensor run_blocks(Tensor x, const TextFeatures& text) const {
    for (const FrozenVitBlock& block : blocks_) x = block(x, text);
    return x;
  }

  bool conditioned_;
  bool positions_;
  std::int64_t width_;
  FrozenConvolution patches_;
  Tensor position_;  ///< [1, h, w, D]
  std::vector<FrozenVitBlock> blocks_;
};

}  // namespace

std::unique_ptr<FrozenVisualEncoder> make_frozen_vitdet_encoder(
    const Weights& weights, const encoders::VitConfig& config, std::int64_t image_size,
    bool positions, const FrozenConditioning* conditioning, const Target& target) {
  return std::make_unique<FrozenVitdetEncoder>(weights, config, image_size, positions, conditioning,
                                               target);
}

}  // namespace referent::inference
