// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "layers.h"
#include "referent/batch/features.h"
#include "referent/conditioning/conditioning.h"

namespace referent::inference {

/// Adds (z C_b) up^T to y in place: z [B, N, r], core [B, r] (diagonal) or [B, r, r], up [M, r],
/// y [B, N, M] of any strides whose last is 1.
void add_update(const torch::Tensor& y, const torch::Tensor& z, const torch::Tensor& core,
                const torch::Tensor& up);

/// The core of an update for its low-rank input [B, N, K] and the text: [B, r] or [B, r, r].
using CoreOf = std::function<torch::Tensor(const torch::Tensor& input, const TextFeatures& text)>;

/// What a conditioned attention adds to its queries, keys and values. `down` is for the layer to
/// append to its own projections.
struct FrozenAttentionUpdate {
  bool sees_position = false;  ///< the low-rank input of queries and keys is x + position, not x
  torch::Tensor down;          ///< [r, K]
  torch::Tensor up_query_key;  ///< [2K, r]
  torch::Tensor up_value;      ///< [K, r], low-rank input x; undefined: values stay as they are
  CoreOf core;
};

/// What a conditioned layer adds to the output of its MLP, from the MLP's input.
struct FrozenMlpUpdate {
  FrozenLinear down;
  torch::Tensor up;  ///< [K, r]
  CoreOf core;
};

/// What a conditioned residual block adds to its output or to that of its 3x3 convolution.
class FrozenBlockUpdate {
 public:
  /// What does not depend on the text.
  struct Shared {
    torch::Tensor bottleneck;  ///< [B, r, H, W]
    torch::Tensor mean;        ///< [B, C]
  };
  using CoreOfMean =
      std::function<torch::Tensor(const torch::Tensor& mean, const TextFeatures& text)>;

  FrozenBlockUpdate(bool of_block, FrozenConvolution down, FrozenConvolution up, CoreOfMean core)
      : of_block_(of_block), down_(std::move(down)), up_(std::move(up)), core_(std::move(core)) {}

  /// Lets a GPU add the whole update in one product: up_rows [M, r + 8] is a pixel's up-projection
  /// with the bias as a further column.
  void use_rows(const torch::Tensor& up_rows) { up_rows_ = up_rows; }

  /// Whether the whole block is updated, after its ReLU, and not its 3x3 convolution.
  bool of_block() const { return of_block_; }

  Shared share(const torch::Tensor& input) const;
  /// Adds the update to `sum`, which is overwritten and returned.
  torch::Tensor onto(const torch::Tensor& sum, const Shared& shared,
                     const TextFeatures& text) const;

 private:
  bool of_block_;
  FrozenConvolution down_;
  FrozenConvolution up_;
  CoreOfMean core_;
  torch::Tensor up_rows_;
};

/// Makes the updates of an encoder's sites out of the weights of `conditioning`.
class FrozenConditioning {
 public:
  virtual ~FrozenConditioning() = default;

  /// Whether a core is made out of the mean over all tokens, those on padding too: of an
  /// attention's update, of an MLP's.
  virtual bool attention_averages() const = 0;
  virtual bool mlp_averages() const = 0;

  /// For a layer whose three projections are `in_proj_weight` [3K, K], float32.
  virtual FrozenAttentionUpdate attention(std::int64_t layer,
                                          const torch::Tensor& in_proj_weight) const = 0;
  virtual std::optional<FrozenMlpUpdate> mlp(std::int64_t layer) const = 0;
  /// `side` is that of the block's maps, `scale` [C'] what the block's normalisation multiplies its
  /// 3x3 convolution's output by. An update of that convolution ends with the block's activation.
  virtual std::optional<FrozenBlockUpdate> block(std::int64_t index, const torch::Tensor& scale,
                                                 std::int64_t side) const = 0;
};

/// Null for type "none".
std::unique_ptr<FrozenConditioning> make_frozen_conditioning(
    const Weights& weights, const conditioning::ConditioningConfig& config,
    const conditioning::Sites& sites, std::int64_t text_width, const Target& target);

}  // namespace referent::inference
