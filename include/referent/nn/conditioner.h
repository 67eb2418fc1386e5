// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <optional>

#include "referent/ops/low_rank_update.h"

namespace referent::nn {

/// Updates of an attention's three projections; an absent one leaves the weight as it is.
struct AttentionUpdate {
  std::optional<ops::LowRankUpdate> query, key, value;
};

/// What a transformer layer asks when its weights may depend on the text. The `conditioning` room
/// answers; a layer without a conditioner is a plain one.
class LayerConditioner {
 public:
  virtual ~LayerConditioner() = default;

  /// For inputs x and x + position [B, N, D] of the fused projection in_proj_weight [3D, D].
  virtual AttentionUpdate attention(const torch::Tensor& x, const torch::Tensor& position,
                                    const torch::Tensor& in_proj_weight) = 0;

  /// The same where queries, keys and values all see x [B, N, D]: one update of the whole of
  /// qkv_weight [3D, D].
  virtual ops::LowRankUpdate fused_attention(const torch::Tensor& x,
                                             const torch::Tensor& qkv_weight) = 0;

  /// For the MLP's input x [B, N, D]; the update maps x to the MLP's output.
  virtual std::optional<ops::LowRankUpdate> mlp(const torch::Tensor& x) = 0;
};

/// What a residual block of a convolutional network asks in the same way.
class BlockConditioner {
 public:
  virtual ~BlockConditioner() = default;

  /// Whether the block's 3x3 convolution is updated; one that is not is one pass with its
  /// normalisation and ReLU.
  virtual bool updates_convolution() const = 0;

  /// The block's 3x3 convolution: `input` [B, C, H, W] to `output` [B, C', H, W], before its
  /// normalisation. Where it is updated.
  virtual torch::Tensor convolution(const torch::Tensor& input, const torch::Tensor& output) = 0;

  /// The whole block: `input` to `output`, after its ReLU.
  virtual torch::Tensor block(const torch::Tensor& input, const torch::Tensor& output) = 0;
};

}  // namespace referent::nn
