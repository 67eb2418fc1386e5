// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "conditioning.h"
#include "referent/batch/features.h"
#include "referent/encoders/config.h"
#include "resnet.h"

namespace referent::inference {

/// Which tokens of a visual encoder the answer is read off.
enum class Readers {
  kValid,  ///< those that are not padding, alone
  kAll,    ///< all of them, each at its place in the grid
};

/// What a frozen visual encoder gives: see VisualFeatures.
struct FrozenTokens {
  torch::Tensor x;         ///< [B, N, D]
  torch::Tensor keep;      ///< [B, N] bool, false = padding; undefined: none of them is
  torch::Tensor position;  ///< [B, N, D] sine positions, where they are read
  torch::Tensor cells;     ///< [N] int64, the grid's cell of each token; undefined: in order
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Pictures to tokens, in two halves: what comes before the first weight that the text changes, and
/// the rest.
class FrozenVisualEncoder {
 public:
  virtual ~FrozenVisualEncoder() = default;

  /// The first half's result; each encoder has its own.
  struct Shared {
    virtual ~Shared() = default;
  };

  /// images [B, 3, H, W], image_padding [B, H, W] bool.
  virtual std::unique_ptr<Shared> share(const torch::Tensor& images,
                                        const torch::Tensor& image_padding) const = 0;

  /// A single picture's tokens on padding are dropped where nobody reads them.
  virtual FrozenTokens finish(const Shared& shared, const TextFeatures& text,
                              Reuse reuse) const = 0;
};

std::unique_ptr<FrozenVisualEncoder> make_frozen_detr_encoder(
    const Weights& weights, const encoders::VisualEncoderConfig& config, std::int64_t image_size,
    const FrozenConditioning* conditioning, Readers readers, const Target& target);
/// `positions`: whether its tokens' positions are read.
std::unique_ptr<FrozenVisualEncoder> make_frozen_vitdet_encoder(
    const Weights& weights, const encoders::VitConfig& config, std::int64_t image_size,
    bool positions, const FrozenConditioning* conditioning, const Target& target);

}  // namespace referent::inference
