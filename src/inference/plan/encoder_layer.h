// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "conditioning.h"
#include "referent/nn/config.h"

namespace referent::inference {

/// DETR's encoder layer, whose queries and keys see x + position.
class FrozenEncoderLayer {
 public:
  /// `conditioning` may be null, else this is layer number `index` of its encoder.
  FrozenEncoderLayer(const Weights& weights, const nn::TransformerConfig& config,
                     const FrozenConditioning* conditioning, std::int64_t index,
                     const Target& target);

  /// x [B, N, D], position [B or 1, N, D]; keep [B, 1, 1, N] bool: the keys to attend to, or
  /// undefined: all. Of the N tokens the first `keys` are attended to and the first `queries` are
  /// computed: returns [B, queries, D].
  torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& position,
                           const torch::Tensor& keep, std::int64_t keys, std::int64_t queries,
                           const TextFeatures& text) const;

 private:
  /// Without the output projection.
  torch::Tensor attend(const torch::Tensor& x, const torch::Tensor& position,
                       const torch::Tensor& keep, std::int64_t keys, std::int64_t queries,
                       const TextFeatures& text) const;
  torch::Tensor mlp(const torch::Tensor& x, const torch::Tensor& shortcut,
                    const TextFeatures& text) const;

  std::int64_t width_;
  std::int64_t heads_;
  bool norm_first_;
  std::optional<FrozenAttentionUpdate> update_;
  std::optional<FrozenMlpUpdate> mlp_update_;
  std::optional<FrozenLinear> of_position_;  ///< of x + position: queries, keys, low-rank input
  std::optional<FrozenLinear> of_x_;         ///< of x: values, low-rank input
  FrozenLinear output_;
  FrozenLinear inner_;
  FrozenLinear outer_;
  FrozenLayerNorm norm1_;
  FrozenLayerNorm norm2_;
};

std::vector<FrozenEncoderLayer> make_frozen_layers(const Weights& weights,
                                                   const nn::TransformerConfig& config,
                                                   const FrozenConditioning* conditioning,
                                                   const Target& target);

}  // namespace referent::inference
