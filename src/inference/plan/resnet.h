// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "conditioning.h"
#include "referent/encoders/resnet.h"

namespace referent::inference {

/// What is done with the part of an encoder's work that does not depend on the text.
enum class Reuse {
  kLast,   ///< nobody will ask again: its tensors may be overwritten
  kAgain,  ///< it stays as it is for the next expression
};

/// The first convolution and its pooling: [B, 3, H, W] -> [B, M, H / 4, W / 4].
///
/// Tensor cores want more than three channels, so in 16 bits on a GPU each 2 x 2 pixels become one
/// of twelve channels and 7x7 steps of two pixels 4x4 steps of one.
class FrozenStem {
 public:
  FrozenStem(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t image_size,
             const Target& target);

  torch::Tensor operator()(const torch::Tensor& images) const;

 private:
  bool by_blocks_;
  FrozenConvolution convolution_;
};

/// A ResNet with its normalisation folded into its convolutions.
class FrozenResNet {
 public:
  FrozenResNet(const Weights& weights, const encoders::ResNetConfig& config,
               const FrozenConditioning* conditioning, std::int64_t image_size,
               const Target& target);

  /// All that comes before the first update from the text.
  struct Shared {
    std::size_t next = 0;  ///< the block that waits for the text; as many as there are: none
    torch::Tensor x;       ///< the last map, or the shortcut of the block that waits
    torch::Tensor sum;     ///< what the update is added to
    std::optional<FrozenBlockUpdate::Shared> update;
  };

  /// images [B, 3, H, W], channels-last, of the size that it was made for.
  Shared share(const torch::Tensor& images) const;
  /// Returns the last stage's map [B, channels(), h, w].
  torch::Tensor finish(const Shared& shared, const TextFeatures& text, Reuse reuse) const;

  std::int64_t channels() const { return channels_; }

 private:
  /// torchvision's BasicBlock or Bottleneck.
  struct Block {
    std::vector<FrozenConvolution> convolutions;  ///< the last without activation of its own
    std::optional<FrozenConvolution> downsample;
    std::optional<FrozenBlockUpdate> update;
  };

  static Block make_block(const Weights& weights, const encoders::BlockShape& shape,
                          encoders::Normalisation normalisation,
                          const FrozenConditioning* conditioning, std::int64_t side,
                          const Target& target);
  /// Runs blocks from `shared.next` on until one waits for the text or all are done.
  void advance(Shared& shared) const;

  std::int64_t channels_ = 0;
  std::optional<FrozenStem> stem_;
  std::vector<Block> blocks_;
};

}  // namespace referent::inference
