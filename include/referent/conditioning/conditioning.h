// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "referent/batch/features.h"
#include "referent/conditioning/config.h"
#include "referent/nn/conditioner.h"

namespace referent::conditioning {

/// A residual block that a visual encoder offers for conditioning.
struct BlockSite {
  std::string name;            ///< "backbone.layer2"
  std::int64_t channels;       ///< of the block's input and output
  std::int64_t conv_channels;  ///< of its 3x3 convolution's input and output
};

/// Where a visual encoder lets its weights depend on the text.
struct Sites {
  std::vector<BlockSite> blocks;
  std::string layer_name;  ///< "encoder.layers": layer i is "<layer_name>.<i>"
  std::int64_t layers = 0;
  std::int64_t width = 0;
};

/// Turns the text into low-rank updates of a visual encoder's weights. Any implementation goes with
/// any encoder: it is built for the encoder's sites, and the encoder asks for one conditioner a
/// site. All its parameters live under "conditioning.<site>".
class Conditioning : public torch::nn::Module {
 public:
  virtual std::unique_ptr<nn::LayerConditioner> layer(std::int64_t index,
                                                      const TextFeatures& text) = 0;
  /// May be null: this block stays as it is.
  virtual std::unique_ptr<nn::BlockConditioner> block(std::int64_t index,
                                                      const TextFeatures& text) = 0;
};

/// Null for type "none".
std::shared_ptr<Conditioning> make_conditioning(const ConditioningConfig& config,
                                                const Sites& sites, std::int64_t text_width);

}  // namespace referent::conditioning
